"""Durations as people write them: `90`, `90s`, `10m`, `1h`, `2d`, `1h30m`."""

from __future__ import annotations

import math
import re

from annotate.errors import AnnotateError

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([dhms])")


def seconds(text: str) -> float:
    """How many seconds `text` means; raises AnnotateError."""
    plain = text.strip().lower()
    try:
        value = float(plain)
        if math.isfinite(value):
            return value
    except ValueError:
        if plain and not _PART.sub("", plain).strip():
            return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(plain))
    raise AnnotateError(
        f"{text!r} is not a duration", hint="write for example 90s, 10m, 1h or 1h30m"
    )


def duration(value: float) -> str:
    """`value` seconds for people: 0.4s, 12s, 3m05s, 1h02m, 2d03h."""
    if value < 9.95:
        return f"{value:.1f}".removesuffix(".0") + "s"
    whole = round(value)
    for unit, name, lower, lower_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "m")):
        if whole >= unit:
            return f"{whole // unit}{name}{whole % unit // lower:02d}{lower_name}"
    return f"{whole // 60}m{whole % 60:02d}s" if whole >= 60 else f"{whole}s"
