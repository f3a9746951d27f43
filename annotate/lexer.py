"""A small lexer: enough of Python's tokens to find comments, strings and brackets.

It accepts any text, even invalid Python, and never fails. Where it has to be exact (the comments
of an annotated file), libcst's tree is used instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\r\n]*)
  | (?P<string>(?i:[rbuft]{0,2})(?:
        \"\"\"(?:[^\\]|\\.)*?\"\"\" | '''(?:[^\\]|\\.)*?'''
      | "(?:[^"\\\r\n]|\\(?:\r\n|.))*" | '(?:[^'\\\r\n]|\\(?:\r\n|.))*' ))
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<newline>\r\n|\r|\n)
  | (?P<space>(?:[ \t\f]|\\(?:\r\n|\r|\n))+)
  | (?P<word>\w+)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)

_FORMATTED = re.compile(r"(?i:rf|fr|f|rt|tr|t)(\"\"\"|'''|\"|')")

#: Every annotated file contains this; most files are ruled out here.
_SIEVE = re.compile(rb"@\s*nni", re.IGNORECASE)
_COMMENT = re.compile(r"#[ \t\f]*@[ \t]*nni(?!\w)", re.IGNORECASE)
_BEHIND = re.compile(r"#[ \t\f]*@nni\.\w+\s*\(")
_STRING = re.compile(r"(?i:[ru]?)(?:\"\"\"|'''|\"|')(?:\s|\\[nrtfv]|\\\r?\n)*@nni\.")


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    while match := _TOKEN.match(text, start):
        kind, end = str(match.lastgroup), match.end()
        if kind == "string" and (opening := _FORMATTED.match(match.group())):
            end = _end_of_formatted(text, start + opening.end(), opening[1]) or end
        yield Token(kind, start, text[start:end])
        start = end


def _end_of_formatted(text: str, start: int, quote: str) -> int | None:
    """The end of an f-string whose fields may contain its own quotes; None if it has no end."""
    while start < len(text):
        if text.startswith(quote, start):
            return start + len(quote)
        if text[start] in "\r\n" and len(quote) == 1:
            return None
        if text[start] == "\\" or text.startswith("{{", start):
            start += 2
        elif text[start] == "{":
            end = brackets(text[start:]).end
            if end is None:
                return None
            start += end
        else:
            start += 1
    return None


def may_be_annotated(data: bytes) -> bool:
    """Whether `data` is worth decoding and lexing: False for nearly every file."""
    return _SIEVE.search(data) is not None


def is_annotation_comment(text: str) -> bool:
    """Whether a comment begins with `@nni`, even if the rest is invalid."""
    return _COMMENT.match(text) is not None


def annotation_behind(text: str) -> int | None:
    """The offset of an annotation after other text in a comment; None if there is none."""
    match = _BEHIND.search(text, 1)
    return match.start() if match else None


def is_annotation_string(text: str) -> bool:
    """Whether the source of a string literal begins with `@nni.`."""
    return _STRING.match(text) is not None


def has_annotations(text: str) -> bool:
    """Whether any comment, or any string at the start of a statement, is an annotation."""
    fresh = True
    for token in tokens(text):
        if token.kind == "comment" and is_annotation_comment(token.text):
            return True
        if token.kind == "string" and fresh and is_annotation_string(token.text):
            return True
        if token.kind not in ("space", "comment"):
            fresh = token.kind in ("newline", "open") or token.text in (";", ":")
    return False


@dataclass(frozen=True, slots=True)
class Brackets:
    """The first bracketed group of a text: its end, or the bracket that is never closed."""

    end: int | None
    unclosed: int | None
    deepest: int


def brackets(text: str) -> Brackets:
    """Find the bracket that closes the first bracket of `text`."""
    opened: list[int] = []
    deepest = 0
    for token in tokens(text):
        if token.kind == "open":
            opened.append(token.start)
            deepest = max(deepest, len(opened))
        elif token.kind == "close" and opened:
            opened.pop()
            if not opened:
                return Brackets(token.end, None, deepest)
    return Brackets(None, opened[0] if opened else None, deepest)
