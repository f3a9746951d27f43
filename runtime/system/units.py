"""Parses and formats durations (`90s`, `1h30m`), memory (`4GiB`, `500MB`) and counts."""

from __future__ import annotations

import math
import re

from annotate.errors import AnnotateError
from runtime.stage.agent.sizes import size as size

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([dhms])")
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])(I?B)?", re.IGNORECASE)


def seconds(text: str) -> float:
    """Parse a duration into seconds; raises AnnotateError."""
    plain = text.strip().lower()
    try:
        value = float(plain)
        if math.isfinite(value):
            return value
    except ValueError:
        if plain and not _PART.sub("", plain).strip():
            return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(plain))
    raise AnnotateError(
        f"{text!r} is not a duration", hint="write, for example, 90s, 10m, 1h or 1h30m"
    )


def count(number: int, noun: str, *, of: int | None = None) -> str:
    """`1 trial`, `3 trials`, `1 of 20 trials`."""
    ending = "" if (number if of is None else of) == 1 else "s"
    return f"{number}{'' if of is None else f' of {of}'} {noun}{ending}"


def duration(value: float) -> str:
    """Format `value` seconds: 0.4s, 12s, 3m05s, 1h02m, 2d03h."""
    if value < 9.95:
        return f"{value:.1f}".removesuffix(".0") + "s"
    whole = round(value)
    for unit, name, lower, lower_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "m")):
        if whole >= unit:
            return f"{whole // unit}{name}{whole % unit // lower:02d}{lower_name}"
    return f"{whole // 60}m{whole % 60:02d}s" if whole >= 60 else f"{whole}s"


def size_in_bytes(text: str) -> int:
    """Parse an amount of memory into bytes; `4G` means `4GiB`. Raises AnnotateError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise AnnotateError(
            f"{text!r} is not an amount of memory", hint="write, for example, 4GiB, 500MiB or 1.5GB"
        )
    number, power, unit = match.groups()
    base = 1000 if (unit or "").upper() == "B" else 1024
    return int(float(number) * base ** _POWERS[power.upper()])
