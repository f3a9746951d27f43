"""The values of a file of data: where each one stands, and what people call it."""

from __future__ import annotations

import json
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
    def name(self) -> str:
        """The whole path, with dots between, as no other entry of the file is called."""
        return ".".join(map(_word, self.path))

    @property
    def keyed(self) -> bool:
        return isinstance(self.path[-1], str)


@dataclass(frozen=True, slots=True)
class Contents:
    """A file of data: its entries and its comments, in order."""

    entries: tuple[Entry, ...]
    comments: tuple[Span, ...]


def _word(step: str | int) -> str:
    text = str(step)
    return json.dumps(text, ensure_ascii=False) if "." in text or not text else text
