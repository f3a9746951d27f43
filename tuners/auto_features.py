"""Points of the cube as columns whose distances a kernel can weigh."""

from __future__ import annotations

import math

import numpy as np

from annotate.space import Choice
from tuners.axes import Bools, Floats, Ints
from tuners.cube import Cube


class Features:
    """A column for a number, and one an option for a choice; each coordinate has one length.

    A choice of three and more numbers that go up or down counts as a number.
    """

    def __init__(self, cube: Cube, *, ordinal: bool = True) -> None:
        numbers: list[int] = []
        columns: list[tuple[int, float | None]] = []
        for c in cube.coordinates:
            if isinstance(c.domain, Choice) and not (ordinal and _ordered(c.domain)):
                count = len(c.domain.options)
                columns += [(c.number, (n + 0.5) / count) for n in range(count)]
            else:
                columns.append((c.number, None))
                numbers.append(c.number)
        self.groups = cube.dimensions
        self._of: Ints = np.array([number for number, _ in columns])
        self._option: Floats = np.array([math.nan if at is None else at for _, at in columns])
        self._plain: Bools = np.isnan(self._option)
        self.numbers: Ints = np.array(numbers, dtype=int)

    def columns(self, points: Floats) -> Floats:
        found = points[:, self._of]
        options = np.abs(found - self._option) < 1e-6
        return np.asarray(np.where(self._plain, found, options * math.sqrt(0.5)))

    def squares(self, columns: Floats, one: Ints, other: Ints) -> Floats:
        """Squared distances between pairs of rows, a row for each coordinate."""
        squares = (columns[one] - columns[other]).T ** 2
        if len(self._of) == self.groups:
            return np.asarray(squares)
        found = np.zeros((self.groups, len(one)))
        np.add.at(found, self._of, squares)
        return found

    def weights(self, by_coordinate: Floats) -> Floats:
        return np.asarray(by_coordinate[self._of])

    def back(self, by_column: Floats, dimensions: int) -> Floats:
        """A gradient by the columns as one by the coordinates; by an option it is 0."""
        found = np.zeros((len(by_column), dimensions))
        found[:, self._of[self._plain]] = by_column[:, self._plain]
        return found


def _ordered(choice: Choice) -> bool:
    """Whether the options are at least three numbers, each above the one before or below it."""
    values = [option.value for option in choice.options]
    if len(values) < 3 or any(option.children for option in choice.options):
        return False
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        return False
    steps = np.diff(np.array(values, dtype=float))
    return bool(np.all(steps > 0) or np.all(steps < 0))
