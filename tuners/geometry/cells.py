"""A search space divided into cells, which a forest's trees split and its marginals average."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from annotate.domains import Choice
from annotate.json_value import JSON
from annotate.space import SearchSpace, Values
from tuners.geometry.axes import Axis, Bools, Floats, Ints, axis
from tuners.geometry.coordinates import Coordinate
from tuners.geometry.cube import Cube

_MOST = 32  # cells along a number
_TAIL = 0.005  # probability beyond the outer edges of a normal domain, at either end


@dataclass(frozen=True, slots=True)
class Side:
    """The cells along one coordinate, equally probable under the domain's own distribution.

    A choice has a cell for each of its `options`. A number has `edges`, one more than cells.
    `first` is the number of the first cell among those of all sides.
    """

    coordinate: Coordinate
    first: int
    count: int
    options: tuple[JSON, ...] = ()
    edges: tuple[float, ...] = ()
    logarithmic: bool = False

    @property
    def span(self) -> slice:
        """The numbers of its cells among those of all sides."""
        return slice(self.first, self.first + self.count)


class Cells(Sequence[Side]):
    """The sides of a space, nested ones included, and their cells, `total` of them.

    `firsts` holds the number of each side's first cell. `owner` and `weights` hold, for each cell,
    the number of its side and its share of that side.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._cube = Cube(space)
        self._sides: list[Side] = []
        for c in self._cube.coordinates:
            first = self._sides[-1].span.stop if self._sides else 0
            self._sides.append(_side(c, first))
        counts = [side.count for side in self]
        self.total = sum(counts)
        self.firsts: Ints = np.array([side.first for side in self], dtype=int)
        self.owner: Ints = np.repeat(np.arange(len(self)), counts)
        self.weights: Floats = np.repeat(1.0 / np.maximum(counts, 1), counts)
        self.unordered: Bools = np.array([bool(self[side].options) for side in self.owner])

    def __len__(self) -> int:
        return len(self._sides)

    def __getitem__(self, number):  # type: ignore[no-untyped-def]
        return self._sides[number]

    def rows(self, values: Iterable[Values]) -> Ints:
        """A row for each of `values`: the cell on each side, or `total` if the side is missing."""
        rows = [self._row(each) for each in values]
        return np.array(rows, dtype=int).reshape(len(rows), len(self))

    def _row(self, values: Values) -> Ints:
        present = list(self._cube.coordinates.levels(values))
        point = self._cube.point(values)
        row = np.full(len(self), self.total)
        for number in present:
            side = self._sides[number]
            row[number] = side.first + min(int(point[number] * side.count), side.count - 1)
        return row

    def above(self, number: int) -> list[int]:
        """The cells that the choices above a side must select for the side to exist."""
        cells = []
        c = self._sides[number].coordinate
        while c.parent is not None:
            cells.append(self._sides[c.parent].first + (c.option or 0))
            c = self._sides[c.parent].coordinate
        return cells


def _side(c: Coordinate, first: int) -> Side:
    if isinstance(c.domain, Choice):
        options = tuple(option.value for option in c.domain.options)
        return Side(c, first, len(options), options)
    a = axis(c.domain)
    count = min(c.domain.size or _MOST, _MOST)
    return Side(c, first, count, (), _edges(a, count), a.logarithmic)


def _edges(a: Axis, count: int) -> tuple[float, ...]:
    units = np.linspace(0, 1, count + 1)
    scaled = units - 0.5 if a.bounded else ndtri(np.clip(units, _TAIL, 1 - _TAIL))
    reach = a.scale.reach
    positions = np.clip(a.mean + a.width * scaled, -reach, reach)
    return tuple(float(edge) for edge in a.scale.value(positions, np))
