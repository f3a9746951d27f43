"""A domain as an axis of the real numbers, along which its values are drawn evenly or normally."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotate.domains import Domain
from annotate.space import Choice

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Axis:
    """Positions are levels, or their logarithms where the domain has `log` in its name.

    `low` and `high` are infinite for the normal domains. `mean` and `width` are those of the
    domain's own distribution: its middle and range where it is bounded, else mu and sigma.
    `step` is the distance between levels, 0 where they are continuous; `least` and `most` are
    the first and the last level.
    """

    low: float
    high: float
    mean: float
    width: float
    least: float
    most: float
    step: float = 0.0
    logarithmic: bool = False

    @property
    def bounded(self) -> bool:
        return math.isfinite(self.low)

    def positions(self, levels: ArrayLike) -> Floats:
        found = np.asarray(levels, dtype=float)
        if not self.logarithmic:
            return found
        # A level of 0, rounded down to, stands in the middle of what rounds to it.
        above_zero = self.step / 4 or np.finfo(float).tiny
        return np.asarray(np.log(np.maximum(found, above_zero)))

    def levels(self, positions: ArrayLike) -> Floats:
        """The levels there, but for float dust."""
        found = np.asarray(positions, dtype=float)
        if self.logarithmic:
            found = np.exp(np.clip(found, -700, 700))
        if self.step:
            found = np.round(found / self.step) * self.step
        return np.asarray(np.clip(found, self.least, self.most))

    def cell(self, levels: ArrayLike) -> tuple[Floats, Floats]:
        """From where to where positions are rounded to each level."""
        steps = np.round(np.asarray(levels, dtype=float) / self.step)
        first, last = (steps - 0.5) * self.step, (steps + 0.5) * self.step
        if self.logarithmic:
            with np.errstate(divide="ignore"):
                first, last = np.log(np.maximum(first, 0)), np.log(last)
        return np.clip(first, self.low, self.high), np.clip(last, self.low, self.high)


def axis(domain: Domain) -> Axis:
    """The axis of a domain; of a choice, the numbers of its options."""
    if isinstance(domain, Choice):
        return _whole(0, len(domain.options))
    if domain.type == "randint":
        return _whole(*domain.arguments)
    first, second, *rest = domain.arguments
    step = float(rest[0]) if rest else 0.0
    logarithmic = "log" in domain.type
    if "normal" in domain.type:
        least = (0.0 if step else np.finfo(float).tiny) if logarithmic else -math.inf
        return Axis(-math.inf, math.inf, first, second, float(least), math.inf, step, logarithmic)
    scale: Callable[[float], float] = math.log if logarithmic else float
    low, high = scale(first), scale(second)
    middle, width = (low + high) / 2, high - low
    return Axis(low, high, middle, width, first, second, step, logarithmic)


def _whole(low: int, high: int) -> Axis:
    middle, width = (low + high - 1) / 2, high - low
    return Axis(low - 0.5, high - 0.5, middle, width, low, high - 1, step=1.0)
