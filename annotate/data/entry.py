"""Entries of a data file: their positions and names."""

from __future__ import annotations

import json
from dataclasses import dataclass

from annotate.tree import Span


class Unreadable(Exception):
    """The text cannot be parsed; `offset` is the position in characters."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message, self.offset = message, offset


@dataclass(frozen=True, slots=True)
class Entry:
    """A value at `path`: the keys and item numbers from the top of the file.

    `start` is the start of its key, or of the value if it has no key. `span` is the value's,
    without anchor and tag. `kind` is "scalar", "flow" (a list or map in brackets), "block" (a value
    that spans lines without brackets), "alias" (a reference to an anchor) or "empty".
    """

    path: tuple[str | int, ...]
    start: int
    span: Span
    kind: str

    @property
    def name(self) -> str:
        """The path joined by dots, unique in the file."""
        return ".".join(map(_word, self.path))

    @property
    def keyed(self) -> bool:
        return isinstance(self.path[-1], str)


@dataclass(frozen=True, slots=True)
class Contents:
    """The entries and comments of a data file, in order."""

    entries: tuple[Entry, ...]
    comments: tuple[Span, ...]


def _word(step: str | int) -> str:
    text = str(step)
    return json.dumps(text, ensure_ascii=False) if "." in text or not text else text
