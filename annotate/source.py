"""A source file as bytes and as text; newlines, BOM and all other bytes are preserved."""

from __future__ import annotations

import io
import itertools
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from annotate.edits import Edit, apply
from annotate.errors import Mistake, Mistakes

_NEWLINE = re.compile(r"\r\n|\r|\n")
_TAB = 8


@dataclass(frozen=True)
class Source:
    """One file. Offsets are in characters of `text`, which has no BOM and keeps its newlines."""

    path: str
    data: bytes = field(repr=False)
    encoding: str
    text: str = field(repr=False)

    @classmethod
    def decode(cls, data: bytes, path: str) -> Source:
        """Decode by BOM or coding comment, else as UTF-8; raises Mistakes if that fails."""
        try:
            encoding = encoding_of(data)
            source = cls(path, data, encoding, data.decode(encoding))
        except (SyntaxError, UnicodeError, LookupError, ValueError) as error:
            raise Mistakes([_undecodable(data, path, error)]) from None
        if source.encode(source.text) != data:
            message = f"decoding the file as {encoding} and encoding it again changes it"
            hint = "save it as UTF-8"
            raise Mistakes([Mistake(path, 1, 1, "A101", message, hint)])
        return source

    def encode(self, text: str) -> bytes:
        return text.encode(self.encoding)

    def rewritten(self, edits: Iterable[Edit]) -> bytes:
        """The file's bytes with edits of its text; every other byte stays."""
        return self.encode(apply(self.text, edits))

    def where(self, offset: int) -> str:
        """`path:line` of an offset, for display."""
        path, line = self.place(self.line_of(offset))
        return f"{path}:{line}"

    def place(self, line: int) -> tuple[str, int]:
        """The file (or the part of it, such as a cell) with a line, and the line's number there."""
        return self.path, line

    def frozen(self, text: str) -> bytes:
        """The bytes that a snapshot stores for the file with this text."""
        return self.encode(text)

    @cached_property
    def starts(self) -> list[int]:
        """The offset of each line's first character."""
        return [0, *(m.end() for m in _NEWLINE.finditer(self.text))]

    def line_of(self, offset: int) -> int:
        """The line number of `offset`, from 1."""
        return bisect_right(self.starts, offset)

    def lines_of(self, span: tuple[int, int]) -> tuple[int, int]:
        """The first and the last line of a span."""
        return self.line_of(span[0]), self.line_of(span[1] - 1)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of `offset`, both from 1."""
        line = self.line_of(offset)
        return line, offset - self.starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, without its newline."""
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[self.starts[number - 1] : end].rstrip("\r\n")

    def before(self, offset: int) -> str:
        """The text before `offset` on its line."""
        return self.text[self.starts[self.line_of(offset) - 1] : offset]

    def byte_span(self, span: tuple[int, int]) -> tuple[int, int]:
        """The span in `data` of a span of characters."""
        return self._byte(span[0]), self._byte(span[1])

    def _byte(self, offset: int) -> int:
        line = self.line_of(offset) - 1
        return self._byte_starts[line] + self._width(self.text[self.starts[line] : offset])

    @cached_property
    def _byte_starts(self) -> list[int]:
        """The byte offset of each line in `data`."""
        lines = [self.text[a:b] for a, b in itertools.pairwise(self.starts)]
        bom = len(self.data) - self._width(self.text)
        return list(itertools.accumulate(map(self._width, lines), initial=bom))

    def _width(self, text: str) -> int:
        return len(text) if text.isascii() else len(text.encode(self.encoding.removesuffix("-sig")))

    def mistake(self, code: str, span: tuple[int, int], message: str, hint: str = "") -> Mistake:
        """A mistake with its caret under `span`."""
        line, col = self.position(span[0])
        source_line = self.line(line)
        end_col = col + max(1, min(span[1] - span[0], len(source_line) - col + 1))
        return Mistake(*self.place(line), col, code, message, hint, source_line, end_col)


def encoding_of(data: bytes) -> str:
    """The encoding from the BOM or coding comment, else UTF-8; raises SyntaxError."""
    return tokenize.detect_encoding(io.BytesIO(data).readline)[0]


def indentation(blank: str) -> int:
    """The width of leading white space as Python counts it: tabs to 8, a form feed to 0."""
    width = 0
    for character in blank:
        if character == "\t":
            width += _TAB - width % _TAB
        elif character == "\f":
            width = 0
        else:
            width += 1
    return width


def _undecodable(data: bytes, path: str, error: Exception) -> Mistake:
    line, col = 1, 1
    if isinstance(error, UnicodeDecodeError) and error.object == data:
        before = data[: error.start]
        line = len(re.findall(rb"\r\n|\r|\n", before)) + 1
        col = error.start - max(before.rfind(b"\n"), before.rfind(b"\r"))
    reason = getattr(error, "reason", None) or getattr(error, "msg", None) or str(error)
    return Mistake(
        path,
        line,
        col,
        "A101",
        f"the file cannot be decoded: {reason}",
        "save it as UTF-8, or declare its encoding on the first line: # coding: latin-1",
    )
