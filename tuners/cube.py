"""Values as points of the unit cube, and back: what models of numbers work on."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from annotate.space import Choice, SearchSpace, Values
from tuners.axes import Floats, axis
from tuners.coordinates import Coordinates

#: Where a coordinate that the values do not have is put.
INACTIVE = 0.5
#: Keeps the normal domains off their infinite ends: 6.4 standard deviations.
_EDGE = 1e-10


class Cube:
    """The unit cube over a space's coordinates: equal lengths have equal probability.

    The options of a choice share their coordinate's length equally, as the values of a randint
    do; each is in the middle of its share.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.coordinates = Coordinates(space)
        self._axes = [axis(c.domain) for c in self.coordinates]

    @property
    def dimensions(self) -> int:
        return len(self._axes)

    def point(self, values: Values) -> Floats:
        """Where `values` lie."""
        found = np.full(self.dimensions, INACTIVE)
        for number, level in self.coordinates.levels(values).items():
            a = self._axes[number]
            scaled = (a.positions(level) - a.mean) / a.width
            found[number] = np.clip(scaled + 0.5, 0, 1) if a.bounded else ndtr(scaled)
        return found

    def values(self, point: Floats) -> Values:
        """The values at a point; coordinates that they do not have are passed over."""
        levels = {}
        for number, a in enumerate(self._axes):
            unit = min(max(float(point[number]), _EDGE), 1 - _EDGE)
            scaled = unit - 0.5 if a.bounded else ndtri(unit)
            levels[number] = float(a.levels(a.mean + a.width * scaled))
        return self.coordinates.values(levels)

    def snap(self, point: Floats) -> Floats:
        """The point that stands for the values at `point`."""
        return self.point(self.values(point))

    @property
    def choices(self) -> dict[int, int]:
        """From each coordinate that is a choice to its number of options."""
        domains = ((c.number, c.domain) for c in self.coordinates)
        return {number: len(d.options) for number, d in domains if isinstance(d, Choice)}


def latin_hypercube(count: int, dimensions: int, rng: np.random.Generator) -> Floats:
    """`count` points of the cube, of which each coordinate has one in each of `count` strata.

    McKay, Beckman and Conover, Technometrics 1979.
    """
    strata = rng.permuted(np.tile(np.arange(count), (dimensions, 1)), axis=1).T
    return np.asarray((strata + rng.random((count, dimensions))) / count)
