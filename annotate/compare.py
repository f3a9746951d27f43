"""Compare two versions of a source: code, annotations and each parameter's value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from annotate import formats
from annotate.domains.choice import is_domain
from annotate.errors import Mistakes
from annotate.instrument import Place
from annotate.json_value import JSON
from annotate.space import Values


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter on both sides: its code, or None if it has no place there.

    `laws` names on each side the domain that the value is from, if that is an option of a choice.
    """

    key: str
    name: str
    where: str
    a: str | None
    b: str | None
    differs: bool
    remark: str = ""
    laws: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class File:
    """A file on both sides. `code`: whether more than values and annotations changed."""

    path: PurePosixPath
    a: bytes = field(repr=False)
    b: bytes = field(repr=False)
    code: bool
    annotations: bool


def rows(
    then: bytes, now: bytes | None, a: Values, b: Values | None, *, path: str, below: PurePosixPath
) -> list[Row]:
    """Compare each parameter of the source `then` with values `a` to `now` with values `b`.

    Without `b`, the other side is the code in `now`. Raises Mistakes for `then`; if `now` has
    mistakes, it counts as having no parameters.
    """
    old, new = _places(then, path, below), _now(now, path, below)
    table = []
    for key, place in old.items():
        other = new.get(key)
        mine = _code(place, a)
        if other is None:
            renamed = [p for p in new.values() if p.target == place.target and p.key not in old]
            remark = f"its domain is now {renamed[0].domain}" if renamed else "no longer annotated"
            table.append(Row(key, place.name, place.where, mine, None, True, remark))
        else:
            theirs = other.inner_code if b is None else _code(other, b)
            changed = other.domain != place.domain
            remark = f"its domain was {place.domain}, is now {other.domain}" if changed else ""
            laws = law(a.get(key)), law(None if b is None else b.get(key))
            other_law = all(laws) and laws[0] != laws[1]
            differs = changed or other_law or not place.alike(mine, theirs)
            row = Row(key, place.name, other.where, mine, theirs, differs, remark, laws)
            table.append(row)
    table += [
        Row(key, place.name, place.where, None, place.inner_code, True, "new")
        for key, place in new.items()
        if key not in old
    ]
    return table


def law(value: JSON) -> str:
    """The domain that a nested value is from, as in `choice(nni.uniform(0, 1), 3)`; "" if none."""
    inside = [key for key in value if key != "_name"] if isinstance(value, Mapping) else []
    is_law = len(inside) == 1 and is_domain(value["_name"], inside[0])
    return inside[0] if is_law else ""


def _code(place: Place, values: Values) -> str:
    return place.code(values[place.key]) if place.key in values else place.inner_code


def _places(data: bytes, path: str, below: PurePosixPath) -> dict[str, Place]:
    """The first place of each parameter."""
    places: dict[str, Place] = {}
    for place in formats.expand(data, path, below).places:
        places.setdefault(place.key, place)
    return places


def _now(data: bytes | None, path: str, below: PurePosixPath) -> dict[str, Place]:
    try:
        return {} if data is None else _places(data, path, below)
    except Mistakes:
        return {}


def changed(
    then: bytes, now: bytes | None, *, path: str, below: PurePosixPath
) -> tuple[bool, bool]:
    """Whether the code, and whether the annotations, of a file have changed."""
    if now is None:
        return True, True
    if then == now:
        return False, False
    old, new = _apart(then, path, below), _apart(now, path, below)
    if old is None or new is None:
        return True, False
    return old[0] != new[0], old[1] != new[1]


def _apart(data: bytes, path: str, below: PurePosixPath) -> tuple[list[str], list[str]] | None:
    """Split a file into code and annotations, without the values; None if it has mistakes."""
    try:
        places = formats.expand(data, path, below).places
        source = formats.decode(data, path)
        notes = sorted((c.start, c.end) for c in formats.carriers(source))
    except Mistakes:
        return None
    spans = sorted({*notes, *(place.inner for place in places)})
    between, end = [], 0
    for start, last in spans:
        between.append(source.text[end : max(start, end)].rstrip(" \t"))
        end = max(end, last)
    return [*between, source.text[end:]], [source.text[a:b] for a, b in notes]
