"""Changes to a text that keep its lines: insertions around spans, and spans that are replaced."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from annotate.tree import Span


@dataclass(frozen=True, slots=True)
class Edit:
    """Code put before and after a span; with `instead`, the span itself is replaced.

    Of two edits around the same span the one with the lower `order` is the outer one.
    """

    span: Span
    before: str = ""
    after: str = ""
    instead: str | None = None
    order: int = 0


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits whose spans are nested or apart."""
    outer_first = sorted(edits, key=lambda e: (e.span[0], -e.span[1], e.order))
    # At one offset what ends there comes before what begins, and inner ends before outer ones.
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
