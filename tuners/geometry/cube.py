"""Converts values to points of the unit cube, on which models of numbers work, and back."""

from __future__ import annotations

import numpy as np

from annotate.domains import Choice
from annotate.space import SearchSpace, Values
from tuners.geometry.axes import Axis, Bools, Floats, Ints, axis
from tuners.geometry.coordinates import Coordinates

#: The position of a coordinate that does not exist in the values.
INACTIVE = 0.5
#: Keeps normal domains away from their infinite ends, within 6.4 standard deviations.
_EDGE = 1e-10


class Cube:
    """The unit cube over a space's coordinates, where equal lengths have equal probability.

    The options of a choice share the length of their coordinate equally, like the values of a
    randint; each lies in the middle of its share.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.coordinates = Coordinates(space)
        self._axes = [axis(c.domain) for c in self.coordinates]

    @property
    def dimensions(self) -> int:
        return len(self._axes)

    def point(self, values: Values) -> Floats:
        """The point at `values`."""
        point = np.full(self.dimensions, INACTIVE)
        for number, level in self.coordinates.levels(values).items():
            point[number] = _unit(self._axes[number], np.asarray(level))
        return point

    def values(self, point: Floats) -> Values:
        """The values at a point; coordinates that do not exist there are ignored."""
        levels = {}
        for number, a in enumerate(self._axes):
            levels[number] = float(_levels(a, np.asarray(point[number])))
        return self.coordinates.values(levels)

    def snap(self, points: Floats) -> Floats:
        """Move each row of `points` to the point that represents its values."""
        snapped, exists = np.array(points), self.exists(points)
        for c, a in zip(self.coordinates, self._axes, strict=True):
            levels = _levels(a, snapped[:, c.number])
            if isinstance(c.domain, Choice):
                levels = _first(c.domain)[levels.astype(int)]
            snapped[:, c.number] = np.where(exists[:, c.number], _unit(a, levels), INACTIVE)
        return snapped

    def exists(self, points: Floats) -> Bools:
        """Which coordinates exist at each point."""
        exists = np.ones(points.shape, dtype=bool)
        for c in self.coordinates:
            if c.parent is not None:
                chosen = _levels(self._axes[c.parent], points[:, c.parent])
                if isinstance(parent := self.coordinates[c.parent].domain, Choice):
                    chosen = _first(parent)[chosen.astype(int)]
                exists[:, c.number] = exists[:, c.parent] & (chosen == c.option)
        return exists

    @property
    def choices(self) -> dict[int, int]:
        """Maps each coordinate that is a choice to its number of options."""
        domains = ((c.number, c.domain) for c in self.coordinates)
        return {number: len(d.options) for number, d in domains if isinstance(d, Choice)}


def _first(choice: Choice) -> Ints:
    """Maps the number of each option to that of the first equal one."""
    return np.array([choice.index(option.to_json()) for option in choice.options])


def _unit(axis: Axis, levels: Floats) -> Floats:
    scaled = (axis.positions(levels) - axis.mean) / axis.width
    if axis.bounded:
        return np.clip(scaled + 0.5, 0, 1)
    from scipy.special import ndtr  # imported here because it would delay the first trial

    return np.asarray(ndtr(scaled))


def _levels(axis: Axis, units: Floats) -> Floats:
    inside = np.clip(units, _EDGE, 1 - _EDGE)
    if axis.bounded:
        scaled = inside - 0.5
    else:
        from scipy.special import ndtri  # as above

        scaled = ndtri(inside)
    return axis.levels(axis.mean + axis.width * scaled)
