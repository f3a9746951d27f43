"""Proposals, and values that were skipped although they look like hyper-parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from annotate import formats


@dataclass(frozen=True, slots=True)
class Proposal:
    """An annotation for one value.

    `line` and `col` (from 1) are the start of the value. `kind` is assignment, keyword, option,
    entry, default or call. `written` is the value's source text, `annotation` the comment's text.
    Accepting the proposal inserts `insert` into the decoded text at `offset`.
    """

    line: int
    col: int
    name: str
    kind: str
    written: str
    domain: str
    annotation: str
    reason: str
    offset: int = field(repr=False)
    insert: str = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        names = ("line", "col", "name", "kind", "written", "domain", "annotation", "reason")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A value worth tuning that has no proposal; `why` is the obstacle."""

    line: int
    name: str
    reason: str
    why: str

    def to_json(self) -> dict[str, Any]:
        return {"line": self.line, "name": self.name, "reason": self.reason, "why": self.why}


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The proposals for one file, by line.

    `reports`: whether the file reports a result, or is a data file and need not. `is_bare_json`:
    whether it is a `.json` file without comments, which most parsers do not accept.
    """

    path: str
    source: bytes = field(repr=False)
    proposals: tuple[Proposal, ...]
    skipped: tuple[Skipped, ...]
    reports: bool
    is_bare_json: bool = False

    def where(self, line: int) -> str:
        """A line's place for display; in a notebook, the cell and the line in it."""
        path, number = formats.decode(self.source, self.path).place(line)
        return f"{path}:{number}"
