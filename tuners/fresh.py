"""The base of most tuners: keeps results and pending trials, and never repeats a known point."""

from __future__ import annotations

import json
import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from annotate.space import SearchSpace, Values
from tuners.base import Exhausted, Tuner

#: Attempts to get a new point, first from `propose`, then by drawing.
_TRIES = 10


@dataclass(frozen=True, slots=True)
class Result:
    """Values and their loss, the smaller the better; None if the trial failed."""

    values: Values
    loss: float | None


class FreshTuner(Tuner):
    """A tuner that proposes each point of a finite space only once.

    A subclass proposes from `results` and `pending` and keeps no other state. Each ask has a
    random generator of its own, seeded by the seed and the number of known points. A tuner that
    is told a stored history therefore continues as the one that asked it would have.
    """

    def __init__(self, space: SearchSpace, *, seed: int, maximize: bool = False) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        self.results: list[Result] = []
        self._known: set[str] = set()
        self._pending: dict[str, Values] = {}

    @property
    def pending(self) -> list[Values]:
        """The values that were asked but not yet told, oldest first."""
        return list(self._pending.values())

    @property
    def pending_by_key(self) -> Mapping[str, Values]:
        """The same, by a text that tells different values apart."""
        return self._pending

    def knows(self, values: Values) -> bool:
        """Whether `values` were asked or told before."""
        return _key(values) in self._known

    @abstractmethod
    def propose(self, rng: np.random.Generator) -> Values | None:
        """Values to try, known or not, as `SearchSpace.locate` writes them; None to draw some."""

    def ask(self) -> Values:
        if self.space.size is not None and len(self._known) >= self.space.size:
            raise Exhausted(f"all {self.space.size} points of the space have been tried")
        rng = np.random.default_rng((abs(self.seed), len(self._known)))
        key, values = self._fresh(rng)
        self._add_pending(key, values)
        return dict(values)

    def recall(self, values: Values) -> None:
        values = self.space.locate(values)
        self._add_pending(_key(values), values)

    def _add_pending(self, key: str, values: Values) -> None:
        self._known.add(key)
        self._pending[key] = values

    def tell(self, values: Values, metric: float | None) -> None:
        values = self.space.locate(values)
        key = _key(values)
        self._known.add(key)
        self._pending.pop(key, None)
        failed = metric is None or not math.isfinite(metric)
        self.results.append(Result(values, None if failed else self._loss(metric)))

    def _loss(self, metric: float | None) -> float:
        return -float(metric or 0.0) if self.maximize else float(metric or 0.0)

    def _fresh(self, rng: np.random.Generator) -> tuple[str, Values]:
        for _ in range(_TRIES):
            proposed = self.propose(rng)
            if proposed is None:
                break
            key = _key(proposed)
            if key not in self._known:
                return key, proposed
        for _ in range(_TRIES):
            values = self.space.sample(rng)
            key = _key(values)
            if key not in self._known:
                return key, values
        values = self._unknown(rng) or values
        return _key(values), values

    def _unknown(self, rng: np.random.Generator) -> Values | None:
        """The first unknown point after a random one; None if the space is infinite."""
        size = self.space.size
        if size is None:
            return None
        start = int.from_bytes(rng.bytes(size.bit_length() // 8 + 1), "little") % size
        return next(v for v in self.space.walk(start) if not self.knows(v))


def _key(values: Values) -> str:
    return json.dumps(values, sort_keys=True)
