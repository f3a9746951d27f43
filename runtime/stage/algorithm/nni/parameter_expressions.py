"""`nni.parameter_expressions`: one draw from each of NNI's domains.

The last argument is numpy's `RandomState` or `Generator`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from annotate.domains import Random, numeric_domain


def choice(options: Sequence[Any], random_state: Any) -> Any:
    return options[int(random_state.choice(len(options)))]


def randint(low: int, high: int, random_state: Any) -> Any:
    return int(_draw("randint", (low, high), random_state))


def uniform(low: float, high: float, random_state: Any) -> Any:
    return _draw("uniform", (low, high), random_state)


def quniform(low: float, high: float, q: float, random_state: Any) -> Any:
    return _draw("quniform", (low, high, q), random_state)


def loguniform(low: float, high: float, random_state: Any) -> Any:
    return _draw("loguniform", (low, high), random_state)


def qloguniform(low: float, high: float, q: float, random_state: Any) -> Any:
    return _draw("qloguniform", (low, high, q), random_state)


def normal(mu: float, sigma: float, random_state: Any) -> Any:
    return _draw("normal", (mu, sigma), random_state)


def qnormal(mu: float, sigma: float, q: float, random_state: Any) -> Any:
    return _draw("qnormal", (mu, sigma, q), random_state)


def lognormal(mu: float, sigma: float, random_state: Any) -> Any:
    return _draw("lognormal", (mu, sigma), random_state)


def qlognormal(mu: float, sigma: float, q: float, random_state: Any) -> Any:
    return _draw("qlognormal", (mu, sigma, q), random_state)


class _Integers:
    """numpy's older RandomState, which calls `integers` by another name."""

    def __init__(self, state: Any) -> None:
        self.random, self.normal, self.integers = state.random, state.normal, state.randint


def _draw(kind: str, arguments: Sequence[float], state: Any) -> Any:
    rng: Random = state if hasattr(state, "integers") else _Integers(state)
    return numeric_domain(kind, list(arguments)).sample(rng)
