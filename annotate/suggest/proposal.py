"""What is proposed, and what is not although it looks like a hyper-parameter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from annotate import formats


@dataclass(frozen=True, slots=True)
class Proposal:
    """An annotation for one value.

    `line` and `col` (from 1) are where the value begins; `kind` is assignment, keyword, option,
    entry or default; `written` is the value's source text, `annotation` the comment's. `insert`
    goes into the decoded text at `offset`; nothing else changes.
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
        words = ("line", "col", "name", "kind", "written", "domain", "annotation", "reason")
        return {word: getattr(self, word) for word in words}


@dataclass(frozen=True, slots=True)
class Left:
    """A value that is worth tuning but has no proposal; `why` says what is in the way."""

    line: int
    name: str
    reason: str
    why: str

    def to_json(self) -> dict[str, Any]:
        return {"line": self.line, "name": self.name, "reason": self.reason, "why": self.why}


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The proposals for one file, in order of line. `reports` says whether it reports a result."""

    path: str
    source: bytes = field(repr=False)
    proposals: tuple[Proposal, ...]
    left: tuple[Left, ...]
    reports: bool

    def where(self, line: int) -> str:
        """A line as people find it: in a notebook by its cell."""
        path, number = formats.decode(self.source, self.path).place(line)
        return f"{path}:{number}"
