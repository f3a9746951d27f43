"""Entries of a data file: their positions and names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

from annotate import limits
from annotate.tree import Span


class Unreadable(Exception):
    """The text cannot be parsed; `offset` is the position in characters."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message, self.offset = message, offset


def check_depth(path: tuple[str | int, ...], offset: int) -> None:
    """Raise Unreadable if the value at `path` is nested too deeply."""
    if len(path) > limits.MAX_DEPTH:
        raise Unreadable(f"the file is {limits.TOO_DEEP}", offset)


class Repeated(Unreadable):
    """A key that the format forbids to repeat: the first is at `offset`, the second at `second`."""

    def __init__(self, name: str, offset: int, second: int) -> None:
        super().__init__(f"the key {name!r} appears twice", offset)
        self.name, self.second = name, second


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


#: Keys that YAML may repeat: merges, and keys that are not scalars.
_MERGES = frozenset({"<<", "?"})


@dataclass(frozen=True)
class Contents:
    """The entries and comments of a data file, in order."""

    entries: tuple[Entry, ...]
    comments: tuple[Span, ...]

    @cached_property
    def _last(self) -> dict[tuple[str | int, ...], Entry]:
        return {entry.path: entry for entry in sorted(self.entries, key=lambda e: e.start)}

    def replacing(self, entry: Entry) -> Entry | None:
        """The later entry that replaces `entry`: it has the same key, or that of an enclosing map.

        Parsers that accept a repeated key keep its last value.
        """
        for length in range(1, len(entry.path) + 1):
            path = entry.path[:length]
            last = self._last.get(path)
            is_later = last is not None and last.start > entry.start and last.keyed
            if is_later and not _MERGES.intersection(path):
                return last
        return None


def _word(step: str | int) -> str:
    text = str(step)
    return json.dumps(text, ensure_ascii=False) if "." in text or not text else text
