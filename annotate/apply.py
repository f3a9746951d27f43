"""Values written back into the sources that they came from.

A value goes where its annotation stands now, and only there: what is written is read again, and
counts when the file has the same parameters at the same places with the new code in them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
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

_UNREADABLE = "written there it could not be told from the code around it"
_INSIDE = "its annotation stands inside the value: move it to a line above"


@dataclass(frozen=True, slots=True)
class Fit:
    """A value that fits: where it goes, the code that stands there now, and the new one."""

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
    """A parameter that does not fit any more, and why."""

    key: str
    name: str
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Applied:
    """A file with values written into it: its bytes before and after, and what became of each."""

    path: PurePosixPath
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)
    fits: tuple[Fit, ...] = ()
    misfits: tuple[Misfit, ...] = ()


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it is edited: its text and the places in it."""

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
    now: bytes | None, then: bytes, values: Values, *, path: str, below: PurePosixPath
) -> Applied:
    """Write `values` into the file as it is `now`; `then` is what it was when they were tried.

    `path` is shown to people, `below` is the file's place in the code folder. A parameter that
    `values` lack is written as it was then. `now` is None where the file is gone.
    """
    old = _File.read(then, path, below)
    if now is None:
        return Applied(below, b"", b"", (), _all(old, "the file is gone"))
    try:
        file = _File.read(now, path, below)
    except Mistakes as error:
        first = error.mistakes[0]
        reason = f"the file has mistakes now: {first.code} {first.message}, line {first.line}"
        return Applied(below, now, now, (), _all(old, reason))
    wishes, misfits = _wishes(file, old, values)
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
        Misfit(key, places[0].target, file.source.path, reason)
        for key, places in file.groups().items()
    )


def _fit(file: _File, place: Place, new: str) -> Fit:
    return Fit(place.key, place.target, place.where, file.text(place.inner), new)


def _misfit(file: _File, place: Place, reason: str) -> Misfit:
    return Misfit(place.key, place.target, place.where, reason)


# What should be written


def _wishes(
    file: _File, old: _File, values: Values
) -> tuple[list[tuple[Place, str]], list[Misfit]]:
    """The code that each place should get, and the parameters that have no place for it."""
    wishes: list[tuple[Place, str]] = []
    misfits: list[Misfit] = []
    groups, earlier = file.groups(), old.groups()
    for key, places in groups.items():
        for number, place in enumerate(places):
            wanted = _wanted(place, number, len(places), earlier.get(key), values, old)
            if isinstance(wanted, str):
                wishes.append((place, wanted))
            else:
                misfits.append(_misfit(file, place, wanted.reason))
    for key, places in earlier.items():
        if key not in groups:
            misfits.append(Misfit(key, places[0].target, file.source.path, _lost(places[0], file)))
    return wishes, misfits


@dataclass(frozen=True, slots=True)
class _No:
    reason: str


def _wanted(
    place: Place, number: int, count: int, earlier: list[Place] | None, values: Values, old: _File
) -> str | _No:
    if earlier is None:
        return _No("it is new: the trial had no value for it")
    if place.key not in values:
        if len(earlier) != count:
            return _No(f"it stood in {len(earlier)} places, and now in {count}")
        return old.text(earlier[number].inner)
    try:
        return place.code(values[place.key])
    except SpaceError as error:
        changed = f"its domain was {earlier[0].domain} and is {place.domain} now: "
        return _No(f"{changed if place.domain != earlier[0].domain else ''}{error}")


def _lost(place: Place, file: _File) -> str:
    """Why a parameter has no place any more."""
    for other in file.places:
        if other.target == place.target:
            return f"it was {place.domain} and is {other.domain} now"
    return "it is not annotated any more"


# Writing it, and reading it again


@dataclass(slots=True)
class _Done:
    """What was written, by the span of each value, and what was refused with the reason."""

    data: bytes
    codes: dict[Span, str] = field(default_factory=dict)
    refused: dict[Span, str] = field(default_factory=dict)


def _write(file: _File, wishes: Sequence[tuple[Place, str]]) -> _Done:
    """Write all at once; where that does not read back, one after the other."""
    wanted = [(p, code) for p, code in wishes if not p.alike(code, file.text(p.inner))]
    plain = [(place.inner, code) for place, code in wanted]
    inside = any(_holds(place) for place, _ in wanted)
    data = None if inside else _reading_back(file, plain)
    if data is not None:
        return _Done(data, dict(plain))
    done = _Done(file.source.data)
    taken: list[Change] = []
    for place, code in wanted:
        if _holds(place):
            done.refused[place.inner] = _INSIDE
            continue
        for changes in _ways(file, place, code):
            data = _reading_back(file, [*taken, *changes])
            if data is not None:
                taken += changes
                done.data, done.codes[place.inner] = data, changes[0][1]
                break
        else:
            done.refused[place.inner] = _UNREADABLE
    return done


def _holds(place: Place) -> bool:
    """Whether the annotation would go with the value."""
    return place.inner[0] <= place.annotation[0] < place.inner[1]


def _ways(file: _File, place: Place, code: str) -> Iterable[list[Change]]:
    """The ways to write a value: plain or in brackets, and for a call with its name kept."""
    named: list[list[Change]] = [[]]
    if place.kind == "call":
        named.append([_naming(file, place)])
    texts = (code, f"({code})") if place.brackets else (code,)
    for name, text in product(named, texts):
        yield [(place.inner, text), *name]


def _naming(file: _File, place: Place) -> Change:
    """The change that lets the annotation say the function's name, as it is not called any more."""
    text = file.text(place.annotation)
    end = text.rindex(")")
    comma = "" if text[:end].rstrip(" \t\r\n#").endswith(",") else ", "
    at = place.annotation[0] + end
    return (at, at), f"{comma}name={place.target}"


def _reading_back(file: _File, changes: Sequence[Change]) -> bytes | None:
    """The file with the changes; None where it does not say the same with the new code in it."""
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
    """Where an offset lies after the changes before it."""
    return offset + sum(len(text) - (end - a) for (a, end), text in changes if end <= offset)
