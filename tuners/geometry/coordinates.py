"""A nested space as a flat list of coordinates; each sample has some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotate.domains import Choice, Domain, Numeric, Random
from annotate.json_value import JSON
from annotate.parameter import Parameter
from annotate.space import SearchSpace, Values
from tuners.base import TunerError

#: Maps a coordinate's number to its level: the option's number for a choice, else the value.
Levels = dict[int, float]


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One parameter, nested or not. It exists if its parent, a choice, has chosen `option`.

    `path` is for users: the keys from the outermost parameter on.
    """

    number: int
    key: str
    path: str
    domain: Domain
    parent: int | None = None
    option: int | None = None


def taken_by(domain: Domain, hint: str = "") -> str:
    """The hint for a domain that a tuner refuses; `hint` is that for a number or a choice."""
    if isinstance(domain, (Choice, Numeric)):
        return hint
    return "random, hyperband and asha take every domain"


class Coordinates(Sequence[Coordinate]):
    """The coordinates of a space, in its order; parents come before their children.

    Raises TunerError for a domain that is neither a number nor a choice.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._all: list[Coordinate] = []
        self._children: dict[tuple[int | None, int | None], list[Coordinate]] = {}
        self._add(space.parameters, None, None)

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, number):  # type: ignore[no-untyped-def]
        return self._all[number]

    def _add(self, parameters: Sequence[Parameter], parent: int | None, option: int | None) -> None:
        for parameter in parameters:
            before = "" if parent is None else f"{self._all[parent].path}/"
            path = before + parameter.key
            if not isinstance(parameter.domain, (Choice, Numeric)):
                raise TunerError(
                    f"{path} is {parameter.domain}, which is neither a number nor a choice",
                    hint=taken_by(parameter.domain),
                )
            new = Coordinate(len(self), parameter.key, path, parameter.domain, parent, option)
            self._all.append(new)
            self._children.setdefault((parent, option), []).append(new)
            if isinstance(parameter.domain, Choice):
                for number, nested in enumerate(parameter.domain.options):
                    self._add(nested.children, new.number, number)

    def children(self, parent: int | None = None, option: int | None = None) -> list[Coordinate]:
        """The coordinates that exist if `parent` has chosen `option`; by default, always."""
        return self._children.get((parent, option), [])

    def levels(self, values: Values) -> Levels:
        """The levels of the coordinates that exist in `values`."""
        levels: Levels = {}
        self._read(values, self.children(), levels)
        return levels

    def _read(
        self, values: Mapping[str, JSON], coordinates: list[Coordinate], levels: Levels
    ) -> None:
        for c in coordinates:
            value = values[c.key]
            if not isinstance(c.domain, Choice):
                levels[c.number] = value
                continue
            option = c.domain.index(value)
            levels[c.number] = option
            self._read(value, self.children(c.number, option), levels)

    def values(self, levels: Mapping[int, float]) -> Values:
        """The values at `levels`, each rounded to the nearest one of its domain."""
        return {c.key: self._write(c, levels) for c in self.children()}

    def _write(self, c: Coordinate, levels: Mapping[int, float]) -> JSON:
        level = snap(c.domain, levels[c.number])
        if not isinstance(c.domain, Choice):
            return level
        option = c.domain.options[level]
        if not option.children:
            return option.value
        return {"_name": option.value} | {
            child.key: self._write(child, levels) for child in self.children(c.number, level)
        }


def snap(domain: Domain, level: float) -> JSON:
    """The domain's value nearest to `level`; for a choice, the number of an option."""
    if isinstance(domain, Choice):
        return min(max(round(level), 0), len(domain.options) - 1)
    assert isinstance(domain, Numeric)
    return domain.near(level)


def draw(coordinates: Coordinates, number: int, levels: Levels, rng: Random) -> None:
    """Draw a coordinate into `levels`; for a choice, also the children of its new option."""
    domain = coordinates[number].domain
    if not isinstance(domain, Choice):
        levels[number] = snap(domain, domain.sample(rng))
        return
    levels[number] = option = int(rng.integers(0, len(domain.options)))
    for child in coordinates.children(number, option):
        draw(coordinates, child.number, levels, rng)
