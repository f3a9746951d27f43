"""Values as points of the unit cube, and back: what models of numbers work on."""

from __future__ import annotations

import numpy as np

from annotate.domains import Choice
from annotate.space import SearchSpace, Values
from tuners.geometry.axes import Axis, Bools, Floats, Ints, axis
from tuners.geometry.coordinates import Coordinates

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
            found[number] = _unit(self._axes[number], np.asarray(level))
        return found

    def values(self, point: Floats) -> Values:
        """The values at a point; coordinates that they do not have are passed over."""
        levels = {}
        for number, a in enumerate(self._axes):
            levels[number] = float(_levels(a, np.asarray(point[number])))
        return self.coordinates.values(levels)

    def snap(self, points: Floats) -> Floats:
        """The points, a row each, that stand for the values at `points`."""
        found, exists = np.array(points), self.exists(points)
        for c, a in zip(self.coordinates, self._axes, strict=True):
            levels = _levels(a, found[:, c.number])
            if isinstance(c.domain, Choice):
                levels = _first(c.domain)[levels.astype(int)]
            found[:, c.number] = np.where(exists[:, c.number], _unit(a, levels), INACTIVE)
        return found

    def exists(self, points: Floats) -> Bools:
        """Which coordinates the values at each point have."""
        found = np.ones(points.shape, dtype=bool)
        for c in self.coordinates:
            if c.parent is not None:
                chosen = _levels(self._axes[c.parent], points[:, c.parent])
                if isinstance(parent := self.coordinates[c.parent].domain, Choice):
                    chosen = _first(parent)[chosen.astype(int)]
                found[:, c.number] = found[:, c.parent] & (chosen == c.option)
        return found

    @property
    def choices(self) -> dict[int, int]:
        """From each coordinate that is a choice to its number of options."""
        domains = ((c.number, c.domain) for c in self.coordinates)
        return {number: len(d.options) for number, d in domains if isinstance(d, Choice)}


def _first(choice: Choice) -> Ints:
    """From each option's number to that of the first which is the same."""
    return np.array([choice.index(option.to_json()) for option in choice.options])


def _unit(axis: Axis, levels: Floats) -> Floats:
    scaled = (axis.positions(levels) - axis.mean) / axis.width
    if axis.bounded:
        return np.clip(scaled + 0.5, 0, 1)
    from scipy.special import ndtr  # only here: it would hold up the first trial

    return np.asarray(ndtr(scaled))


def _levels(axis: Axis, units: Floats) -> Floats:
    inside = np.clip(units, _EDGE, 1 - _EDGE)
    if axis.bounded:
        scaled = inside - 0.5
    else:
        from scipy.special import ndtri  # likewise

        scaled = ndtri(inside)
    return axis.levels(axis.mean + axis.width * scaled)
