"""The search space: ordered parameters, each with a domain.

`values`, a sample of the space, maps each parameter's key to a JSON value: a number for a numeric
domain; for a choice the option itself or, if the option has parameters of its own, NNI's
`{"_name": option, child: value, ...}`.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from annotate import limits
from annotate.domains import DOMAINS, Choice, Domain, Option, Random, numeric_domain
from annotate.domains.choice import nth_values, product
from annotate.errors import AnnotateError, SpaceError
from annotate.json_value import JSON, has_nan
from annotate.not_here import INSTEAD, NETWORKS, not_here
from annotate.parameter import Parameter

Values: TypeAlias = "dict[str, JSON]"  # a string: custom algorithms import this with Python 3.8

#: Beside `_type` and `_value`, in the spaces that experiments keep.
_ALIAS = "_alias"
#: The only key of a foreign space that an experiment keeps.
_FOREIGN = "_foreign"


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """Ordered parameters with distinct keys.

    A `foreign` space has none: it is JSON text that only the user's own tuner can read.
    """

    parameters: tuple[Parameter, ...]
    foreign: str = ""

    def __post_init__(self) -> None:
        twice = [key for key, n in Counter(p.key for p in self.parameters).items() if n > 1]
        if twice:
            raise SpaceError(f"the parameter {twice[0]!r} is defined twice")

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, key: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.key == key:
                return parameter
        raise KeyError(key)

    @property
    def size(self) -> int | None:
        """The number of distinct values; None if infinite."""
        return product(parameter.domain.size for parameter in self.parameters)

    def nth(self, number: int) -> Values:
        """The point with that number, 0 <= number < size; the last parameter changes fastest."""
        return nth_values(self.parameters, number)

    def walk(self, start: int = 0) -> Iterator[Values]:
        """Each point of a finite space once, from `start` to the end and on from the beginning."""
        total = self.size or 0
        for step in range(total):
            yield self.nth((start + step) % total)

    def sample(self, rng: Random) -> Values:
        """Draw every parameter from its own distribution."""
        return {p.key: p.domain.sample(rng) for p in self.parameters}

    def locate(self, values: Mapping[str, JSON]) -> Values:
        """Return `values` as the space writes them, in its order.

        Raises SpaceError that names a missing or unknown parameter, or one outside its domain. A
        foreign space accepts everything.
        """
        if self.foreign:
            return dict(values)
        keys = {p.key for p in self.parameters}
        for key in values:
            if key not in keys:
                raise SpaceError(f"{key!r} is not in the search space", hint=self._known(key))
        located = {}
        for parameter in self.parameters:
            if parameter.key not in values:
                raise SpaceError(f"{parameter.key!r} has no value")
            try:
                located[parameter.key] = parameter.domain.locate(values[parameter.key])
            except SpaceError as error:
                raise SpaceError(
                    f"{parameter.name}: {error}", hint=f"its domain is {parameter.domain}"
                ) from None
        return located

    @property
    def names(self) -> dict[str, str]:
        """Maps each key to its shortest unambiguous name: `lr`, `model/lr` or the key.

        An alias goes first: the script's name for a value, if no other parameter is called so.
        """
        count = Counter(name for p in self.parameters for name in set(p.names))
        aliases = Counter(name for p in self.parameters for name in p.aliases)
        names = {}
        for p in self.parameters:
            free = [name for name in p.aliases if aliases[name] == 1 and not count[name]]
            names[p.key] = next((n for n in (*free, *p.names) if n in free or count[n] == 1), p.key)
        return names

    def called(self, name: str) -> list[Parameter]:
        """The parameters that `name` may mean: an alias, a short name or a full key."""
        matches = [p for p in self.parameters if name in p.names]
        exact = [p for p in matches if p.key == name]
        return exact or matches or [p for p in self.parameters if name in p.aliases]

    def resolve(self, name: str) -> Parameter:
        """The parameter called `name`: an alias, a short name or a full key.

        Raises SpaceError if there is none, with a suggestion, or more than one.
        """
        matches = self.called(name)
        if len(matches) == 1:
            return matches[0]
        if matches:
            keys = ", ".join(p.key for p in matches)
            raise SpaceError(
                f"several parameters are named {name!r}", hint=f"use a full key: {keys}"
            )
        raise SpaceError(f"there is no parameter {name!r}", hint=self._known(name))

    def _known(self, name: str) -> str:
        names = list(self.names.values())
        close = difflib.get_close_matches(name, [*names, *self.names], n=1)
        if close:
            return f"did you mean {close[0]!r}?"
        return (
            f"the parameters are {', '.join(names)}"
            if names
            else "the search space has no parameters"
        )

    def to_json(self) -> dict[str, JSON]:
        """The space in NNI's format; a foreign one is whatever JSON value the user wrote."""
        if self.foreign:
            own: dict[str, JSON] = json.loads(self.foreign)
            return own
        return {p.key: p.domain.to_json() for p in self.parameters}

    def to_stored(self) -> dict[str, JSON]:
        """NNI's format with the aliases, which `from_stored` reads."""
        if self.foreign:
            return {_FOREIGN: self.to_json()}
        return {
            p.key: {**p.domain.to_json(), **({_ALIAS: p.alias} if p.alias else {})}
            for p in self.parameters
        }

    def with_names_of(self, other: SearchSpace) -> SearchSpace:
        """This space, which a user wrote in NNI's format, with the other's keys and aliases.

        Users write a parameter's key, or the short name that they see. Raises SpaceError if both
        are given.
        """
        if self.foreign:
            return self
        keys = {name: key for key, name in other.names.items()}
        aliases = {p.key: p.alias for p in other}
        parameters = []
        for parameter in self.parameters:
            key = parameter.key
            if key not in aliases:
                key = keys.get(key, key)
            alias = parameter.alias or aliases.get(key, "")
            parameters.append(replace(parameter, key=key, alias=alias))
        return SearchSpace(tuple(parameters))

    @classmethod
    def from_json(cls, space: JSON) -> SearchSpace:
        """Read a user's space in NNI's format; raises SpaceError that names the parameter."""
        read = cls.from_stored(space)
        _refuse_nan(read.parameters)
        return read

    @classmethod
    def of_foreign(cls, space: JSON) -> SearchSpace:
        """A space in a format of the user's own tuner."""
        return cls((), json.dumps(space))

    @classmethod
    def from_stored(cls, space: JSON) -> SearchSpace:
        """Read a space that an experiment keeps, also one that is refused today."""
        if not isinstance(space, Mapping):
            raise SpaceError(
                f"a search space is an object, not {_kind(space)}",
                hint='write {"lr": {"_type": "loguniform", "_value": [0.001, 1]}}',
            )
        if space.keys() == {_FOREIGN}:
            return cls.of_foreign(space[_FOREIGN])
        return cls(tuple(Parameter(key, _domain(key, v), _alias(v)) for key, v in space.items()))

    @classmethod
    def read(cls, path: Path) -> SearchSpace:
        """Read a search space file; raises SpaceError with the file and the position."""
        try:
            return cls.from_json(read_json(path))
        except SpaceError as error:
            raise SpaceError(f"{path}: {error}", hint=error.hint) from None
        except AnnotateError as error:
            raise SpaceError(error.message, hint=error.hint) from None


def read_json(path: Path) -> JSON:
    """The JSON value in a file; raises AnnotateError, also for a key that appears twice."""
    return limits.json_value(limits.read_text(path), str(path), _unique)


def _refuse_nan(parameters: Iterable[Parameter], above: str = "") -> None:
    for parameter in parameters:
        where = f"{above}{parameter.key}"
        options = parameter.domain.options if isinstance(parameter.domain, Choice) else ()
        for option in options:
            if has_nan(option.value):
                raise SpaceError(
                    f"{where}: nan cannot be an option, because it is not equal to itself",
                    hint='write the string "nan", and float(...) in the script',
                )
            _refuse_nan(option.children, f"{where}/{option.value}/")


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    twice = [key for key, n in Counter(key for key, _ in pairs).items() if n > 1]
    if twice:
        raise SpaceError(f"the key {twice[0]!r} appears twice")
    return dict(pairs)


def _kind(value: JSON) -> str:
    names = {
        list: "a list",
        str: "a string",
        bool: "a boolean",
        type(None): "null",
        dict: "an object",
    }
    return names.get(type(value), "a number")


def _alias(spec: JSON) -> str:
    alias = spec.get(_ALIAS, "")
    return alias if isinstance(alias, str) else ""


def _domain(where: str, spec: JSON) -> Domain:
    if not isinstance(spec, Mapping) or "_type" not in spec or "_value" not in spec:
        raise SpaceError(
            f"{where}: needs the keys _type and _value",
            hint='for example {"_type": "uniform", "_value": [0, 1]}',
        )
    kind, arguments = spec["_type"], spec["_value"]
    domain = DOMAINS.get(kind) if isinstance(kind, str) else None
    if domain is None and kind in NETWORKS:
        raise SpaceError(f"{where}: {not_here(kind)}", hint=INSTEAD)
    if domain is None:
        close = difflib.get_close_matches(str(kind), DOMAINS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"the types are {', '.join(DOMAINS)}"
        raise SpaceError(f"{where}: unknown _type {kind!r}", hint=hint)
    if not isinstance(arguments, list):
        raise SpaceError(f"{where}: _value is a list, not {_kind(arguments)}")
    try:
        if issubclass(domain, Choice):
            return domain(tuple(_option(where, option) for option in arguments))
        return numeric_domain(kind, arguments)
    except SpaceError as error:
        text = str(error)
        raise SpaceError(
            text if text.startswith(where) else f"{where}: {text}", hint=error.hint
        ) from None


def _option(where: str, option: JSON) -> Option:
    if not (isinstance(option, Mapping) and "_name" in option):
        return Option(option)
    name = option["_name"]
    children = tuple(
        Parameter(key, _domain(f"{where}/{name}/{key}", value))
        for key, value in option.items()
        if key != "_name"
    )
    # An option without children still reaches the script in the form that NNI gives it.
    return Option(name, children) if children else Option(dict(option))
