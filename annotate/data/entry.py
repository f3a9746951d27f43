"""The values of a file of data: where each one stands, and what people call it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from annotate.tree import Span


class Unreadable(Exception):
    """The text cannot be parsed; `offset` says where, in characters."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message, self.offset = message, offset


@dataclass(frozen=True, slots=True)
class Entry:
    """A value at `path`, its keys and the numbers of its items from the top on.

    `start` is where its key begins, or the value where it has none; `span` is the value's own,
    without anchor and tag. `kind` is "scalar", "flow" (a list or a map in brackets), "block" (a
    value over lines of its own), "alias" (one that stands elsewhere) or "empty".
    """

    path: tuple[str | int, ...]
    start: int
    span: Span
    kind: str

    @property
    def keyed(self) -> bool:
        return isinstance(self.path[-1], str)


@dataclass(frozen=True, slots=True)
class Contents:
    """A file of data: its entries and its comments, in order."""

    entries: tuple[Entry, ...]
    comments: tuple[Span, ...]


def ends(path: tuple[str | int, ...]) -> list[str]:
    """What `path` can be called: its last key, and longer up to the whole, with dots between.

    The number of an item comes with the key of its list.
    """
    words = [_word(step) for step in path]
    starts = [n for n, step in enumerate(path) if n == 0 or isinstance(step, str)]
    return [".".join(words[n:]) for n in reversed(starts)]


def names(entries: Sequence[Entry]) -> dict[tuple[str | int, ...], str]:
    """The shortest name that means each entry alone in its file."""
    called = {entry.path: ends(entry.path) for entry in entries}
    count = Counter(name for candidates in called.values() for name in set(candidates))
    return {
        path: next((name for name in candidates if count[name] == 1), candidates[-1])
        for path, candidates in called.items()
    }


def _word(step: str | int) -> str:
    text = str(step)
    return json.dumps(text, ensure_ascii=False) if "." in text or not text else text
