"""The geometry of a domain, over arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotate.domains import Choice, Domain, Numeric
from annotate.domains.geometry import LINEAR, LOG, Geometry, Law, Scale

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Axis:
    """Converts levels, which are a domain's values as floats, to positions on its scale and back.

    Positions are drawn evenly from `low` to `high`, or normally if these are infinite. `mean` and
    `width` are the middle and the length of that range, or the mean and the standard deviation.
    `step` is the distance between levels, 0 if they are continuous; `least` and `most` are the
    outermost levels.
    """

    low: float
    high: float
    mean: float
    width: float
    least: float
    most: float
    step: float
    scale: Scale

    @property
    def bounded(self) -> bool:
        return math.isfinite(self.low)

    @property
    def logarithmic(self) -> bool:
        return self.scale is LOG

    def positions(self, levels: ArrayLike) -> Floats:
        levels, scale = np.asarray(levels, dtype=float), self.scale
        if self.step:
            # Rounding can end on 0, which has no logarithm: take the middle of what rounds to it.
            low, high = scale.low + self.step / 4, scale.high - self.step / 4
        else:
            low, high = scale.least, scale.most
        inside = np.minimum(np.maximum(levels, low), high)
        return np.asarray(scale.position(inside, np))

    def levels(self, positions: ArrayLike) -> Floats:
        """The level at each position, up to rounding errors."""
        reach = self.scale.reach
        positions = np.minimum(np.maximum(np.asarray(positions, dtype=float), -reach), reach)
        levels = self.scale.value(positions, np)
        if self.step:
            levels = np.round(levels / self.step) * self.step
        return np.asarray(np.clip(levels, self.least, self.most))

    def cell(self, levels: ArrayLike) -> tuple[Floats, Floats]:
        """The first and the last position that round to each level."""
        steps = np.round(np.asarray(levels, dtype=float) / self.step)
        first, last = self._edge((steps - 0.5) * self.step), self._edge((steps + 0.5) * self.step)
        return np.clip(first, self.low, self.high), np.clip(last, self.low, self.high)

    def _edge(self, levels: Floats) -> Floats:
        inside = np.minimum(np.maximum(levels, self.scale.low), self.scale.high)
        with np.errstate(divide="ignore"):  # an end of the scale is infinitely far away
            return np.asarray(self.scale.position(inside, np))


def axis(domain: Domain) -> Axis:
    """The axis of a number; for a choice, that of its options' numbers."""
    if isinstance(domain, Choice):
        count = len(domain.options)
        return _axis(Geometry(0, count - 1, LINEAR, Law.even(-0.5, count - 0.5), step=1.0))
    assert isinstance(domain, Numeric)  # `Coordinates` refuses any other domain
    return _axis(domain.geometry)


def _axis(g: Geometry) -> Axis:
    law = g.law
    return Axis(law.low, law.high, law.middle, law.width, g.low, g.high, g.step, g.scale)
