"""Errors shown to users: raised where the cause is known, printed by the command line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class AnnotateError(Exception):
    """A user's mistake: the message says what is wrong, `hint` what to do.

    The command line prints it without a traceback and exits with code 2.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SpaceError(AnnotateError, ValueError):
    """An invalid search space or domain, or values that do not fit one.

    `argument` names the invalid argument of the domain, if there is one.
    """

    def __init__(self, message: str, *, hint: str = "", argument: str = "") -> None:
        super().__init__(message, hint=hint)
        self.argument = argument


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in an annotation.

    `line` and `col` (in characters) start at 1, as in editors; `end_col` is the first column after
    the offending token. `source_line` is the whole line without its newline. `hint` may be empty.
    """

    path: str
    line: int
    col: int
    code: str
    message: str
    hint: str = ""
    source_line: str = ""
    end_col: int = 0

    def display(self) -> str:
        """`path:line:col: CODE message`, the source line, a caret under the token, the hint."""
        lines = [f"{self.path}:{self.line}:{self.col}: {self.code} {self.message}"]
        if self.source_line:
            before = self.source_line[: self.col - 1]
            indent = "".join("\t" if c == "\t" else " " for c in before)
            width = max(1, min(self.end_col, len(self.source_line) + 1) - self.col)
            lines += [f"    {self.source_line}", f"    {indent}{'^' * width}"]
        if self.hint:
            lines.append(f"    hint: {self.hint}")
        return "\n".join(lines)


class Mistakes(AnnotateError):
    """All mistakes of all files that were read, sorted by path, line and column."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda m: (m.path, m.line, m.col, m.code)))
        count = len(self.mistakes)
        super().__init__(f"{count} mistake{'' if count == 1 else 's'} in annotations")
