"""The points of a finite space by number, so that one can walk over them in any order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from annotate.domains import Domain
from annotate.domains.numeric import QLogUniform, QUniform, RandInt
from annotate.json_value import JSON
from annotate.space import Choice, Option, Parameter, SearchSpace, Values


def point(space: SearchSpace, number: int) -> Values:
    """The point with that number, 0 <= number < space.size; the last parameter changes fastest."""
    return _children(space.parameters, number)


def walk(space: SearchSpace, start: int) -> Iterator[Values]:
    """Every point of a finite space once, from `start` on and round."""
    total = space.size or 0
    for step in range(total):
        yield point(space, (start + step) % total)


def _children(parameters: Sequence[Parameter], number: int) -> Values:
    digits: list[int] = []
    for parameter in reversed(parameters):
        number, digit = divmod(number, parameter.domain.size or 1)
        digits.append(digit)
    return {
        parameter.key: _level(parameter.domain, digit)
        for parameter, digit in zip(parameters, reversed(digits), strict=True)
    }


def _level(domain: Domain, number: int) -> JSON:
    if isinstance(domain, RandInt):
        return domain.low + number
    if isinstance(domain, (QUniform, QLogUniform)):
        return domain.near((round(domain.low / domain.q) + number) * domain.q)
    assert isinstance(domain, Choice), "no other domain is finite"
    for option in domain.distinct:
        if number < (option.size or 1):
            return _option(option, number)
        number -= option.size or 1
    raise IndexError(number)


def _option(option: Option, number: int) -> JSON:
    if not option.children:
        return option.value
    values: dict[str, Any] = {"_name": option.value}
    return values | _children(option.children, number)
