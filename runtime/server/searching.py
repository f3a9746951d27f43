"""What a person types over the table: words, and conditions like `lr<0.1 batch=64 metric>=0.9`."""

from __future__ import annotations

import re

from annotate.errors import SpaceError
from annotate.space import SearchSpace
from runtime.store.reader import COLUMNS, Condition

_CONDITION = re.compile(r"([^\s<>=!~]+)\s*(<=|>=|!=|=|<|>|~)\s*(\S+)")


def parse(typed: str, space: SearchSpace) -> tuple[str, tuple[Condition, ...]]:
    """The plain words, and the conditions; what names no column or parameter is a word."""
    conditions = []
    words = typed
    for match in _CONDITION.finditer(typed):
        what = _meant(match[1], space)
        if what is not None:
            conditions.append(Condition(what, match[2], _value(match[3])))
            words = words.replace(match[0], " ", 1)
    return " ".join(words.split()), tuple(conditions)


def _meant(name: str, space: SearchSpace) -> str | None:
    if name in COLUMNS:
        return name
    try:
        return space.resolve(name).key
    except SpaceError:
        return None


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
