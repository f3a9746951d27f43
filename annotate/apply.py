"""Write a trial's values back into the source.

A value is written only at its annotation. The result is parsed again and accepted only if it has
the same parameters at the same places, with the new code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import PurePosixPath
from typing import TypeAlias

from annotate import formats
from annotate.edits import Edit
from annotate.errors import Mistakes, SpaceError
from annotate.instrument import Place
from annotate.source import Source
from annotate.space import Values
from annotate.tree import Span

Change: TypeAlias = tuple[Span, str]

_UNREADABLE = "written here, the value would be ambiguous"
_INSIDE = "its annotation is inside the value; move it to the line above"


@dataclass(frozen=True, slots=True)
class Fit:
    """A value that fits: its place, the current code there, and the new code."""

    key: str
    name: str
    where: str
    old: str
    new: str

    @property
    def changes(self) -> bool:
        return self.old != self.new


@dataclass(frozen=True, slots=True)
class Misfit:
    """A parameter that no longer fits, and why."""

    key: str
    name: str
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Applied:
    """A file before and after values were written into it, and the outcome for each value."""

    path: PurePosixPath
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)
    fits: tuple[Fit, ...] = ()
    misfits: tuple[Misfit, ...] = ()


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is being edited: its text and its annotated places."""

    below: PurePosixPath
    source: Source
    places: tuple[Place, ...]

    @classmethod
    def read(cls, data: bytes, path: str, below: PurePosixPath) -> _File:
        expansion = formats.expand(data, path, below)
        places = sorted(expansion.places, key=lambda p: (p.span[0], -p.span[1]))
        return cls(below, formats.decode(data, path), tuple(places))

    def text(self, span: Span) -> str:
        return self.source.text[span[0] : span[1]]

    def groups(self) -> dict[str, list[Place]]:
        groups: dict[str, list[Place]] = defaultdict(list)
        for place in self.places:
            groups[place.key].append(place)
        return groups


def apply(
    now: bytes | None,
    then: bytes,
    values: Values,
    *,
    path: str,
    below: PurePosixPath,
    keys: Collection[str] | None = None,
) -> Applied:
    """Write `values` into the current file `now`; `then` is the file that the trial ran.

    `path` is for display, `below` is the path in the code folder. A parameter without a value in
    `values` gets its code from `then`; with `keys`, those of the search space, only if it is among
    them. `now` is None if the file no longer exists.
    """
    old = _File.read(then, path, below)
    if now is None:
        return Applied(below, b"", b"", (), _all(old, "the file no longer exists"))
    try:
        file = _File.read(now, path, below)
    except Mistakes as error:
        first = error.mistakes[0]
        reason = f"the file now has mistakes: line {first.line}, {first.code} {first.message}"
        return Applied(below, now, now, (), _all(old, reason))
    wishes, misfits = _wishes(file, old, values, keys)
    done = _write(file, wishes)
    fits = []
    for place, _ in wishes:
        if place.inner in done.refused:
            misfits.append(_misfit(file, place, done.refused[place.inner]))
        else:
            new = done.codes.get(place.inner, file.text(place.inner))
            fits.append(_fit(file, place, new))
    return Applied(below, now, done.data, tuple(fits), tuple(misfits))


def _all(file: _File, reason: str) -> tuple[Misfit, ...]:
    return tuple(
        Misfit(key, places[0].name, file.source.path, reason)
        for key, places in file.groups().items()
    )


def _fit(file: _File, place: Place, new: str) -> Fit:
    return Fit(place.key, place.name, place.where, file.text(place.inner), new)


def _misfit(file: _File, place: Place, reason: str) -> Misfit:
    return Misfit(place.key, place.name, place.where, reason)


# Decide what to write


def _wishes(
    file: _File, old: _File, values: Values, keys: Collection[str] | None
) -> tuple[list[tuple[Place, str]], list[Misfit]]:
    """The new code for each place, and the parameters that no longer have a place."""
    wishes: list[tuple[Place, str]] = []
    misfits: list[Misfit] = []
    groups, earlier = file.groups(), old.groups()
    if keys is not None:
        groups, earlier = (
            {key: places for key, places in group.items() if key in keys or key in values}
            for group in (groups, earlier)
        )
    for key, places in groups.items():
        for number, place in enumerate(places):
            code = _new_code(place, number, len(places), earlier.get(key), values, old)
            if isinstance(code, str):
                wishes.append((place, code))
            else:
                misfits.append(_misfit(file, place, code.reason))
    for key, places in earlier.items():
        if key not in groups:
            misfits.append(
                Misfit(key, places[0].name, file.source.path, _why_lost(places[0], file))
            )
    return wishes, misfits


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str


def _new_code(
    place: Place, number: int, count: int, earlier: list[Place] | None, values: Values, old: _File
) -> str | _Refusal:
    if earlier is None:
        return _Refusal("it is new, so the trial has no value for it")
    if place.key not in values:
        if len(earlier) != count:
            return _Refusal(f"it had {len(earlier)} places and now has {count}")
        return old.text(earlier[number].inner)
    try:
        return place.code(values[place.key])
    except SpaceError as error:
        changed = f"its domain was {earlier[0].domain} and is now {place.domain}: "
        return _Refusal(f"{changed if place.domain != earlier[0].domain else ''}{error}")


def _why_lost(place: Place, file: _File) -> str:
    """Why a parameter no longer has a place."""
    for other in file.places:
        if other.target == place.target:
            return f"its domain was {place.domain} and is now {other.domain}"
    return "it is no longer annotated"


# Write it, and read it back


@dataclass(slots=True)
class _Done:
    """The written code and the reasons for refusals, by the span of each value."""

    data: bytes
    codes: dict[Span, str] = field(default_factory=dict)
    refused: dict[Span, str] = field(default_factory=dict)


def _write(file: _File, wishes: Sequence[tuple[Place, str]]) -> _Done:
    """Write all values at once; if that does not read back correctly, one by one."""
    changed = [(p, code) for p, code in wishes if not p.alike(code, file.text(p.inner))]
    plain = [(place.inner, code) for place, code in changed]
    inside = any(_contains_annotation(place) for place, _ in changed)
    data = None if inside else _reading_back(file, plain)
    if data is not None:
        return _Done(data, dict(plain))
    done = _Done(file.source.data)
    applied: list[Change] = []
    for place, code in changed:
        if _contains_annotation(place):
            done.refused[place.inner] = _INSIDE
            continue
        for changes in _variants(file, place, code):
            data = _reading_back(file, [*applied, *changes])
            if data is not None:
                applied += changes
                done.data, done.codes[place.inner] = data, changes[0][1]
                break
        else:
            done.refused[place.inner] = _UNREADABLE
    return done


def _contains_annotation(place: Place) -> bool:
    """Whether replacing the value would also remove its annotation."""
    return place.inner[0] <= place.annotation[0] < place.inner[1]


def _variants(file: _File, place: Place, code: str) -> Iterable[list[Change]]:
    """Ways to write a value: with or without parentheses; for a call, also with an added name."""
    named: list[list[Change]] = [[]]
    if place.kind == "call":
        named.append([_naming(file, place)])
    texts = (code, f"({code})") if place.brackets else (code,)
    for name, text in product(named, texts):
        yield [(place.inner, text), *name]


def _naming(file: _File, place: Place) -> Change:
    """Add `name=` to the annotation, because the function may no longer be called."""
    text = file.text(place.annotation)
    end = text.rindex(")")
    comma = "" if text[:end].rstrip(" \t\r\n#").endswith(",") else ", "
    at = place.annotation[0] + end
    return (at, at), f"{comma}name={place.target}"


def _reading_back(file: _File, changes: Sequence[Change]) -> bytes | None:
    """The changed file; None if it no longer has the same parameters at the same places."""
    if not changes:
        return file.source.data
    data = file.source.rewritten(Edit(span, instead=text) for span, text in changes)
    try:
        new = _File.read(data, file.source.path, file.below)
    except Mistakes:
        return None
    if len(new.places) != len(file.places):
        return None
    codes = dict(changes)
    for before, after in zip(file.places, new.places, strict=True):
        if (before.key, before.domain) != (after.key, after.domain):
            return None
        start = _moved(before.inner[0], changes)
        if not after.span[0] <= start <= after.inner[0]:
            return None
        code = codes.get(before.inner)
        if code is not None and not after.alike(code, new.text(after.inner)):
            return None
    return data


def _moved(offset: int, changes: Iterable[Change]) -> int:
    """The position of an offset after the changes before it."""
    return offset + sum(len(text) - (end - a) for (a, end), text in changes if end <= offset)
