"""Converts what an algorithm returns to JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class NotPlain(TypeError):
    """A value that JSON cannot hold."""


def plain(value: Any) -> Any:
    """`value` as a JSON value; accepts numpy's scalars and arrays, tuples, and enums of those.

    Raises NotPlain for anything else.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    for kind in (str, bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    raise NotPlain(f"{value!r}; {type(value).__name__} is not a type of JSON")
