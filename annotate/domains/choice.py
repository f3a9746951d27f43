"""Choice: one of several options, some of which may have parameters of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from annotate.domains.domain import Domain, Random
from annotate.domains.registry import register
from annotate.errors import SpaceError
from annotate.json_value import JSON, same

if TYPE_CHECKING:
    from annotate.parameter import Parameter


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a choice: a JSON value, and the parameters that exist only when it is chosen.

    With `children` the value is the option's `_name`.
    """

    value: JSON
    children: tuple[Parameter, ...] = ()

    def to_json(self) -> JSON:
        if not self.children:
            return self.value
        return {"_name": self.value, **{c.key: c.domain.to_json() for c in self.children}}

    def __str__(self) -> str:
        """As in an annotation; a nested option lists its parameters: `Conv(size=choice(1, 2))`."""
        if not self.children:
            return repr(self.value)
        if is_domain(self.value, self.children[0].key):
            return str(self.children[0].domain)
        inside = (f"{child.name}={child.domain}" for child in self.children)
        return f"{self.value}({', '.join(inside)})"

    @property
    def size(self) -> int | None:
        return product(child.domain.size for child in self.children)

    def nth(self, number: int) -> JSON:
        """The value with that number, 0 <= number < size."""
        if not self.children:
            return self.value
        return {"_name": self.value, **nth_values(self.children, number)}

    def matches(self, value: JSON) -> bool:
        if self.children:
            return isinstance(value, Mapping) and same(value.get("_name"), self.value)
        return same(value, self.value)


def is_domain(name: JSON, key: str) -> bool:
    """Whether the nested option `name`, with the parameter `key`, is a domain in an annotation.

    Such an option is named like its code: `nni.uniform(0, 1)`, with the parameter `uniform`.
    """
    return isinstance(name, str) and name.startswith(f"nni.{key}(")


def nested_text(value: JSON) -> str:
    """A value as code; a nested one with its branch: `Conv(size=2)`, `0.3 (uniform)`."""
    if not isinstance(value, Mapping) or "_name" not in value:
        return repr(value)
    inside = {key: nested_text(child) for key, child in value.items() if key != "_name"}
    if len(inside) == 1 and is_domain(value["_name"], next(iter(inside))):
        return "".join(f"{text} ({law})" for law, text in inside.items())
    return f"{value['_name']}({', '.join(f'{key}={text}' for key, text in inside.items())})"


@register
@dataclass(frozen=True, slots=True)
class Choice(Domain):
    """One of the options."""

    type: ClassVar[str] = "choice"
    examples: ClassVar[tuple[list[JSON], ...]] = (
        ["a", 1, 1.0, True, None, [1, 2], {"k": [1]}],
        [16, 32, 64],
    )
    options: tuple[Option, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise SpaceError("choice() has no option", hint="give at least one option")
        for option in self.options:
            if option.children and sum(same(option.value, o.value) for o in self.options) > 1:
                raise SpaceError(f"two options of choice are named {option.value!r}")

    @property
    def distinct(self) -> tuple[Option, ...]:
        """The options without duplicates: writing one twice only draws it twice as often."""
        first = [self.index(option.to_json()) for option in self.options]
        return tuple(self.options[number] for number in sorted(set(first)))

    @property
    def arguments(self) -> list[JSON]:
        return [option.to_json() for option in self.options]

    @property
    def size(self) -> int | None:
        sizes = [option.size for option in self.distinct]
        return None if None in sizes else sum(s for s in sizes if s is not None)

    def nth(self, number: int) -> JSON:
        for option in self.distinct:
            size = option.size or 1
            if number < size:
                return option.nth(number)
            number -= size
        raise IndexError(number)

    def sample(self, rng: Random) -> JSON:
        option = self.options[int(rng.integers(0, len(self.options)))]
        if not option.children:
            return option.value
        return {"_name": option.value, **{c.key: c.domain.sample(rng) for c in option.children}}

    def __str__(self) -> str:
        return f"choice({', '.join(map(str, self.options))})"

    def index(self, value: JSON) -> int:
        """The number of the option that `value` is; raises SpaceError if it is none."""
        for number, option in enumerate(self.options):
            if option.matches(value):
                return number
        # Users type 1 for 1.0, but not 1 for True.
        for number, option in enumerate(self.options):
            numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
            if numeric and not isinstance(option.value, bool) and value == option.value:
                return number
        options = ", ".join(map(str, self.options))
        raise SpaceError(f"{nested_text(value)} is not one of the options {options}")

    def locate(self, value: JSON) -> JSON:
        """As in every domain; a bare 0.5 also means the first nested domain that contains it."""
        try:
            option = self.options[self.index(value)]
        except SpaceError:
            inside = self._inside(value)
            if inside is None:
                raise
            return inside
        if not option.children:
            return option.value
        located: dict[str, JSON] = {"_name": option.value}
        for child in option.children:
            if child.key not in value:
                raise SpaceError(f"{child.key!r} is missing for the option {option.value!r}")
            located[child.key] = child.domain.locate(value[child.key])
        return located

    def _inside(self, value: JSON) -> JSON:
        for option in self.options:
            if len(option.children) == 1 and not isinstance(value, Mapping):
                (child,) = option.children
                try:
                    return {"_name": option.value, child.key: child.domain.locate(value)}
                except SpaceError:
                    continue
        return None


def nth_values(parameters: Sequence[Parameter], number: int) -> dict[str, JSON]:
    """The combination of values with that number; the last parameter changes fastest."""
    values: dict[str, JSON] = {}
    for parameter in reversed(parameters):
        number, digit = divmod(number, parameter.domain.size or 1)
        values[parameter.key] = parameter.domain.nth(digit)
    return dict(reversed(values.items()))


def product(sizes: Iterable[int | None]) -> int | None:
    """The number of combinations; None if any of the sizes is infinite."""
    total = 1
    for size in sizes:
        if size is None:
            return None
        total *= size
    return total
