"""JSON values: None, bool, int, float, str, and lists and dicts of them."""

from __future__ import annotations

from typing import Any, TypeAlias

JSON: TypeAlias = Any


def has_nan(value: JSON) -> bool:
    """Whether the value is nan or contains it."""
    if isinstance(value, dict):
        return any(map(has_nan, value.values()))
    if isinstance(value, list):
        return any(map(has_nan, value))
    return bool(value != value)


def same(a: JSON, b: JSON) -> bool:
    """Equal as JSON: 1, 1.0 and True are three different values."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(a == b)
