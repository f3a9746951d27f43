"""Annotations without a comment sign: finds such lines, and the edits that mend them.

NNI's guides print annotations as bare lines, `@nni.variable(...)`, which Python takes for
decorators.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from annotate import lexer
from annotate.annotation import DIRECTIVES
from annotate.domains import DOMAINS
from annotate.edits import Edit
from annotate.errors import Mistake
from annotate.not_here import NETWORKS
from annotate.source import Source
from annotate.tree import Span

CODE = "A208"
_HINT = "write # before it; annotate check --fix adds it"
_SIGN = "# "
_LINE = re.compile(r"(?:\A|[\r\n])[ \t\f]*@nni\.")
_CALL = re.compile(r"@nni\.(\w+)(?:[ \t]*(?=\())?")
_REMARK = re.compile(r"[ \t]*(//+)")


@dataclass(frozen=True, slots=True)
class Bare:
    """An annotation's span. `remark` is that of the `//` after it, if there is one."""

    span: Span
    remark: Span | None

    def edits(self, text: str) -> Iterator[Edit]:
        """Make each of its lines a comment, and its remark Python's."""
        start, end = self.span
        yield Edit((start, start), before=_SIGN)
        indent = start - max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) - 1
        for match in re.finditer(rf"(?:\r\n|\r|\n)[ \t\f]{{0,{indent}}}", text[start:end]):
            at = start + match.end()
            yield Edit((at, at), before=_SIGN)
        if self.remark is not None:
            follows = text[self.remark[1] : self.remark[1] + 1]
            yield Edit(self.remark, instead="#" if follows.isspace() else _SIGN)


def find(text: str) -> list[Bare]:
    """The bare annotations of a Python file, which need not be valid otherwise."""
    return list(_find(text)) if _LINE.search(text) else []


def _find(text: str) -> Iterator[Bare]:
    depth, fresh, done = 0, True, 0
    for token in lexer.tokens(text):
        if token.start < done:
            continue
        if token.text == "@" and fresh and not depth and _is_directive(text, token.start):
            bare = _bare(text, token.start)
            done = _end_of_line(text, bare.remark[1]) if bare.remark else bare.span[1]
            yield bare
        depth = max(0, depth + (token.kind == "open") - (token.kind == "close"))
        fresh = token.kind == "newline" or (fresh and token.kind == "space")


def _is_directive(text: str, start: int) -> bool:
    """Whether `@nni.name` at `start` names a directive or a domain, or nearly a directive."""
    match = _CALL.match(text, start)
    if match is None:
        return False
    known = match[1] in (*DIRECTIVES, *DOMAINS, *NETWORKS)
    return known or bool(difflib.get_close_matches(match[1], DIRECTIVES, 1, 0.8))


def _bare(text: str, start: int) -> Bare:
    call = _CALL.match(text, start)
    assert call is not None, "it begins with @nni.name"
    end = call.end()
    if text.startswith("(", end):
        length = lexer.brackets(text[end:]).end
        end = _end_of_line(text, start) if length is None else end + length
    remark = _REMARK.match(text, end)
    return Bare((start, end), remark.span(1) if remark else None)


def _end_of_line(text: str, start: int) -> int:
    match = re.compile(r"[\r\n]").search(text, start)
    return match.start() if match else len(text)


def mended(source: Source, found: Iterable[Bare]) -> bytes:
    """The file's bytes with each annotation in a comment."""
    return source.rewritten(edit for bare in found for edit in bare.edits(source.text))


def mistakes(source: Source, found: Sequence[Bare], others: Iterable[Mistake]) -> list[Mistake]:
    """A mistake for each bare annotation, and `others`, which are those of the mended file."""
    message = "this annotation is not in a comment, so Python takes it for a decorator"
    bare = [source.mistake(CODE, bare.span, message, _HINT) for bare in found]
    numbers = {n for b in found for n in range(*_half_open(source.lines_of(b.span)))}
    lines = {source.place(number): source.line(number) for number in numbers}
    return [*bare, *(_unmended(mistake, lines) for mistake in others)]


def _half_open(lines: Span) -> Span:
    return lines[0], lines[1] + 1


def _unmended(mistake: Mistake, lines: Mapping[tuple[str, int], str]) -> Mistake:
    """The mistake with its columns in the file as it is."""
    line = lines.get((mistake.path, mistake.line))
    if line is None:
        return mistake
    col, end_col = (max(1, c - len(_SIGN)) for c in (mistake.col, mistake.end_col))
    return replace(mistake, col=col, end_col=end_col, source_line=line)
