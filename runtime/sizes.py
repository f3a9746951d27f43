"""Amounts of memory as people write them: `4GiB`, `500MB`, `1.5G`."""

from __future__ import annotations

import re

from annotate.errors import AnnotateError

_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])(I?B)?", re.IGNORECASE)


def size_in_bytes(text: str) -> int:
    """How many bytes `text` means; `4G` is `4GiB`. Raises AnnotateError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise AnnotateError(
            f"{text!r} is not an amount of memory", hint="write for example 4GiB, 500MiB or 1.5GB"
        )
    number, power, unit = found.groups()
    base = 1000 if (unit or "").upper() == "B" else 1024
    return int(float(number) * base ** _POWERS[power.upper()])


def size(count: int) -> str:
    """`count` bytes for people: 512MiB, 1.5GiB."""
    value, name = float(count), "B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, name = value / 1024, unit
    return f"{value:.3g}{name}"
