"""Parses the search over the trials' table: words and conditions like `lr<0.1 metric>=0.9`."""

from __future__ import annotations

import re

from annotate.errors import SpaceError
from annotate.space import SearchSpace
from runtime.store.columns import SORT_BY
from runtime.store.reader import Condition

_CONDITION = re.compile(r"([^\s<>=!~]+)\s*(<=|>=|!=|=|<|>|~)\s*(\S+)")


def parse(typed: str, space: SearchSpace, metric: str) -> tuple[str, tuple[Condition, ...]]:
    """The plain words, and the conditions on columns and parameters. Anything else is a word.

    `metric` is the metric's own name, which stands for its column unless a parameter has it.
    """
    conditions = []
    words = typed
    for match in _CONDITION.finditer(typed):
        column = _column(match[1], space, metric)
        if column is not None:
            conditions.append(Condition(column, match[2], _value(match[3])))
            words = words.replace(match[0], " ", 1)
    return " ".join(words.split()), tuple(conditions)


def _column(name: str, space: SearchSpace, metric: str) -> str | None:
    if name in SORT_BY:
        return name
    try:
        return space.resolve(name).key
    except SpaceError:
        return "metric" if name == metric else None


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
