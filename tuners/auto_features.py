"""Points of the cube as rows of features, whose distances a kernel can weigh."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from annotate.space import Choice, Option
from tuners.auto_kernel import Apart
from tuners.axes import Bools, Floats, Ints
from tuners.coordinates import Coordinate
from tuners.cube import INACTIVE, Cube


class Features:
    """A feature for each coordinate of the cube, or for several that never exist together.

    Numbers are where they lie in the cube. Options of a choice are their numbers, of which only
    matters whether they are the same; but a choice of three and more numbers that go up or down
    counts as a number.

    Children of different options that have the same name and domain, `gamma` of two kernels, say,
    are `shared`: one feature, so that what is learnt with one option helps with the other.
    """

    def __init__(self, cube: Cube, *, ordinal: bool = True, shared: bool = True) -> None:
        self._cube = cube
        numbers: dict[object, int] = {}
        ordered: list[bool] = []
        scale: list[float] = []
        feature: list[int] = []
        for c in cube.coordinates:
            key = _meaning(c) if shared else c.number
            if key not in numbers:
                numbers[key] = len(numbers)
                options = c.domain.options if isinstance(c.domain, Choice) else ()
                ordered.append(not options or (ordinal and _ordered(options)))
                scale.append(1.0 if ordered[-1] else float(len(options)))
            feature.append(numbers[key])
        self.count = len(numbers)
        self.ordered: Bools = np.array(ordered, dtype=bool)
        self._of: Ints = np.array(feature)
        self._shares: Floats = np.eye(self.count)[feature]
        self._scale: Floats = np.array(scale)
        #: The coordinates that are numbers.
        self.numbers: Ints = np.flatnonzero(self.ordered[self._of])

    def rows(self, points: Floats) -> Floats:
        """The features of each point; of coordinates that share one, only one is active."""
        return ((points - INACTIVE) @ self._shares + INACTIVE) * self._scale

    def apart(self, one: Floats, other: Floats) -> Apart:
        """Of rows that are broadcast; any two options are 1 apart."""
        distances = np.abs(np.moveaxis(one - other, -1, 0), order="C")
        if not self.ordered.all():
            distances[~self.ordered] = distances[~self.ordered] > 1e-9
        return Apart(distances, distances**2)

    def back(self, gradient: Floats, points: Floats) -> Floats:
        """A gradient by the features as one by the coordinates that exist and are numbers."""
        exists = self._cube.exists(points) & self.ordered[self._of]
        return np.asarray(np.where(exists, gradient[:, self._of], 0.0))


def _meaning(c: Coordinate) -> object:
    """The same for coordinates that mean the same under different options of a choice."""
    nested = isinstance(c.domain, Choice) and any(o.children for o in c.domain.options)
    return c.number if c.parent is None or nested else (c.parent, c.key, repr(c.domain))


def _ordered(options: Sequence[Option]) -> bool:
    """Whether they are at least three numbers, each above the one before or below it."""
    values = [option.value for option in options]
    if len(values) < 3 or any(option.children for option in options):
        return False
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        return False
    steps = np.diff(np.array(values, dtype=float))
    return bool(np.all(steps > 0) or np.all(steps < 0))
