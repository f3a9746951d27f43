"""Edits of a text: insertions around spans, and replacements of spans."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from annotate.tree import Span


@dataclass(frozen=True, slots=True)
class Edit:
    """Insert code before and after a span, or replace the span with `instead`.

    Of two edits around the same span, the one with the lower `order` is the outer one.
    """

    span: Span
    before: str = ""
    after: str = ""
    instead: str | None = None
    order: int = 0


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits whose spans are nested or disjoint."""
    outer_first = sorted(edits, key=lambda e: (e.span[0], -e.span[1], e.order))
    # At the same offset, ends come before beginnings, and inner ends before outer ends.
    cuts: list[tuple[int, int, int, int, str]] = []
    for number, edit in enumerate(outer_first):
        start, end = edit.span
        if edit.instead is not None:
            cuts.append((start, 1, number, end, edit.instead))
        else:
            cuts.append((start, 1, number, start, edit.before))
            cuts.append((end, 0, -number, end, edit.after))
    parts, done = [], 0
    for start, _, _, end, new in sorted(cuts):
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])
