"""Converts points of the cube to rows of features, whose distances a kernel weighs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotate.domains import Choice, Domain, Option
from tuners.auto.kernel import Distances
from tuners.geometry.axes import Bools, Floats, Ints, axis
from tuners.geometry.coordinates import Coordinate
from tuners.geometry.cube import INACTIVE, Cube


@dataclass(frozen=True, slots=True)
class Habit:
    """A prior for the losses along one kind of domain.

    `length` is the expected length scale as a multiple of the common one, and `spread` the
    standard deviation of its logarithm. `ends` is by how many standard deviations of the losses
    the two ends are expected to be worse than the middle.
    """

    length: float
    spread: float
    ends: float


#: From the benchmark's working half: lengths fitted to its tables, floats and ends tried;
#: see docs/auto.md. A range over several decades usually has its optimum away from the ends.
_DECADES, _REAL = Habit(0.4, 0.8, 1.0), Habit(0.7, 1.0, 0.5)
_WHOLE, _NUMBERS, _WORDS = Habit(0.5, 0.8, 0.4), Habit(0.6, 0.8, 0.4), Habit(1.35, 0.8, 0.0)
#: The most that all ends together are expected to be worse: many middles are not all optimal.
_WORST = 3.0


class Features:
    """A feature for each coordinate of the cube, or for several that never exist together.

    The feature of a number is its position in the cube. That of a choice is the option's number,
    which can only be equal or not; but three or more numbers in ascending or descending order
    count as a number if `ordinal`.

    If `shared`, children of different options with the same name and domain, such as `gamma` of
    two kernels, are one feature, so that results with one option also inform the other.
    """

    def __init__(self, cube: Cube, *, ordinal: bool = True, shared: bool = True) -> None:
        self._cube = cube
        numbers: dict[object, int] = {}
        ordered: list[bool] = []
        scale: list[float] = []
        habits: list[Habit] = []
        feature: list[int] = []
        for c in cube.coordinates:
            key = _meaning(c) if shared else c.number
            if key not in numbers:
                numbers[key] = len(numbers)
                options = c.domain.options if isinstance(c.domain, Choice) else ()
                ordered.append(not options or (ordinal and _ordered(options)))
                scale.append(1.0 if ordered[-1] else float(len(options)))
                habits.append(_habit(c.domain, ordered=ordered[-1]))
            feature.append(numbers[key])
        self.count = len(numbers)
        self.ordered: Bools = np.array(ordered, dtype=bool)
        self._of: Ints = np.array(feature)
        self._shares: Floats = np.eye(self.count)[feature]
        self._scale: Floats = np.array(scale)
        #: The habits of each feature.
        self.lengths: Floats = np.array([h.length for h in habits])
        self.spreads: Floats = np.array([h.spread for h in habits])
        self.ends: Floats = np.array([h.ends for h in habits])
        self.ends *= _WORST / max(self._together(cube.coordinates.children()), _WORST)
        #: The coordinates that count as numbers.
        self.numbers: Ints = np.flatnonzero(self.ordered[self._of])

    def _together(self, coordinates: Sequence[Coordinate]) -> float:
        """How much worse all ends are together, of the coordinates that can exist at once."""
        total = 0.0
        for c in coordinates:
            total += float(self.ends[self._of[c.number]])
            if isinstance(c.domain, Choice):
                options = range(len(c.domain.options))
                children = (self._cube.coordinates.children(c.number, o) for o in options)
                total += max(map(self._together, children))
        return total

    def rows(self, points: Floats) -> Floats:
        """The features of each point. Of the coordinates that share one, at most one is active."""
        return ((points - INACTIVE) @ self._shares + INACTIVE) * self._scale

    def distances(self, first: Floats, second: Floats) -> Distances:
        """The distances between rows, which are broadcast; two options are 1 apart."""
        distances = np.abs(np.moveaxis(first - second, -1, 0), order="C")
        if not self.ordered.all():
            distances[~self.ordered] = distances[~self.ordered] > 1e-9
        return Distances(distances, distances**2)

    def gradient_by_coordinates(self, gradient: Floats, points: Floats) -> Floats:
        """Convert a gradient by features to one by the numeric coordinates that exist."""
        exists = self._cube.exists(points) & self.ordered[self._of]
        return np.asarray(np.where(exists, gradient[:, self._of], 0.0))


def _meaning(c: Coordinate) -> object:
    """A key that is equal for coordinates with the same meaning under different options."""
    nested = isinstance(c.domain, Choice) and any(o.children for o in c.domain.options)
    return c.number if c.parent is None or nested else (c.parent, c.key, repr(c.domain))


def _habit(domain: Domain, *, ordered: bool) -> Habit:
    if isinstance(domain, Choice):
        return _NUMBERS if ordered else _WORDS
    if axis(domain).logarithmic:
        return _DECADES
    return _REAL if domain.size is None else _WHOLE


def _ordered(options: Sequence[Option]) -> bool:
    """Whether there are at least three numbers in ascending or descending order."""
    values = [option.value for option in options]
    if len(values) < 3 or any(option.children for option in options):
        return False
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        return False
    steps = np.diff(np.array(values, dtype=float))
    return bool(np.all(steps > 0) or np.all(steps < 0))
