"""Replace annotated values and remove annotations; every other byte stays."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import PurePosixPath

from annotate import formats
from annotate.annotation import Carrier, parse
from annotate.edits import Edit, apply
from annotate.instrument import Place
from annotate.source import Source
from annotate.space import Values
from annotate.tree import Span


def export(data: bytes, values: Values, *, path: str, below: PurePosixPath) -> bytes:
    """Write `values` into a file and remove its annotations; other parameters stay as written.

    Raises Mistakes, and SpaceError if a value is outside its domain.
    """
    places = formats.expand(data, path, below).places
    source = formats.decode(data, path)
    baked = [_baked(source.text, place, values) for place in _outermost(places, values)]
    spans = [edit.span for edit in baked]
    remaining = [c for c in formats.carriers(source) if not _goes_with(c, spans)]
    edits = baked
    readable = _tree(source.text) is not None
    for carrier in remaining:
        edit = _without(source, carrier, "")
        if carrier.kind == "string" and readable and not _tree(apply(source.text, [*edits, edit])):
            edit = _without(source, carrier, "pass")  # the block had no other statement
        edits.append(edit)
    return source.rewritten(edits)


def _outermost(places: tuple[Place, ...], values: Values) -> Iterator[Place]:
    """The places that get a value, except those inside another such place."""
    end = -1
    for place in sorted(places, key=lambda p: (p.span[0], -p.span[1], p.kind == "call")):
        if place.key in values and place.inner[0] >= end:
            end = place.inner[1]
            yield place


def _baked(text: str, place: Place, values: Values) -> Edit:
    start, end = place.inner
    code = place.code(values[place.key])
    if place.alike(code, text[start:end]):
        return Edit(place.inner, instead=text[start:end])
    if not place.brackets:
        return Edit(place.inner, instead=code)
    bracketed = Edit(place.inner, instead=f"({code})")
    plain = Edit(place.inner, instead=code)
    tree = _tree(apply(text, [bracketed]))
    # Use parentheses only if precedence requires them.
    return plain if tree is not None and _tree(apply(text, [plain])) == tree else bracketed


def _tree(text: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _goes_with(carrier: Carrier, spans: list[Span]) -> bool:
    """Whether an annotation is inside a value that is replaced."""
    return any(start <= carrier.start < end for start, end in spans)


def _without(source: Source, carrier: Carrier, instead: str) -> Edit:
    """Remove an annotation, and its line if nothing else is on it."""
    text, start, end = source.text, carrier.start, parse(carrier).end
    line = start - len(source.before(start))
    rest = source.line_of(end)
    last = source.starts[rest - 1] + len(source.line(rest))
    behind = text[end:last].strip()
    if carrier.kind == "string" and (instead or behind or text[line:start].strip()):
        return Edit((start, end), instead=instead or "pass")
    if carrier.kind == "trailing":
        if behind:
            return Edit((start, end + text[end:last].index(behind[0])), instead="")
        return Edit((line + len(text[line:start].rstrip()), last), instead="")
    if behind:
        return Edit((start, end + text[end:last].index(behind[0])), instead="")
    below = source.starts[rest] if rest < len(source.starts) else len(text)
    return Edit((line, below), instead="")
