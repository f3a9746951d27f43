"""A problem of the benchmark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from annotate.space import SearchSpace, Values


@dataclass(frozen=True, slots=True)
class Problem:
    """A loss over a search space; smaller is better, and its minimum is `optimum`.

    `kind` is smooth, real or mixed. With `noise`, normal noise of that standard deviation is added
    to the loss that the tuner is told, but not to the evaluation. A loss of None is a failure.
    """

    name: str
    kind: str
    json: dict[str, Any]
    loss: Callable[[Values], float | None]
    optimum: float
    noise: float = 0.0

    @property
    def space(self) -> SearchSpace:
        return SearchSpace.from_json(self.json)


def uniform(low: float, high: float) -> dict[str, Any]:
    return {"_type": "uniform", "_value": [low, high]}


def log(low: float, high: float) -> dict[str, Any]:
    return {"_type": "loguniform", "_value": [low, high]}


def whole(low: int, high: int) -> dict[str, Any]:
    """An int from `low` to `high`, inclusive."""
    return {"_type": "randint", "_value": [low, high + 1]}


def steps(low: float, high: float, q: float) -> dict[str, Any]:
    return {"_type": "quniform", "_value": [low, high, q]}


def choice(*options: Any) -> dict[str, Any]:
    return {"_type": "choice", "_value": list(options)}


def option(name: str, **children: Any) -> dict[str, Any]:
    return {"_name": name, **children}
