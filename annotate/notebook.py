"""Jupyter notebooks: their code cells as one Python text, edited in place in the file."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from annotate.edits import Edit, apply
from annotate.errors import Mistake, Mistakes
from annotate.magics import NeedsJupyter, masked
from annotate.source import Source
from annotate.tree import Span

_TOKEN = re.compile(r"\s*(?:(\"[^\"\\]*(?:\\.[^\"\\]*)*\")|([{}\[\]:,])|([^\s{}\[\]:,\"]+))")
_CHARACTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\\"]",
    re.DOTALL,
)
_SOURCE = re.compile(r"cells\.(\d+)\.source(?:\.\d+)?")
_TYPE = re.compile(r"cells\.(\d+)\.cell_type")
#: The prefix of the line that marks a cell in the snapshot's copy.
MARK = "# %%annotate cell "


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell: its number among all cells (from 1), and its first line in the text (from 1).

    `capture` has the options of its `%%capture`, or None.
    """

    number: int
    line: int
    capture: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A shell command that trials skip, and its first line in the text (from 1)."""

    line: int
    command: str


@dataclass(frozen=True)
class Notebook(Source):
    """The code cells of a notebook.

    `spans` has, for each character of `text`, its span in the file's text `document`, or None for
    a character that replaces something else. `skipped` has the shell commands that a later cell may
    need.
    """

    document: str = field(default="", repr=False)
    cells: tuple[Cell, ...] = field(default=(), repr=False)
    spans: tuple[Span | None, ...] = field(default=(), repr=False)
    skipped: tuple[Skipped, ...] = field(default=(), repr=False)

    @classmethod
    def decode(cls, data: bytes, path: str) -> Notebook:
        """Raises Mistakes if the file is not a notebook, or a magic in it needs Jupyter."""
        encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
        try:
            document = data.decode(encoding)
            content = json.loads(document)
            language = _language(content)
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
            hint = "only notebooks of format 4, as Jupyter saves them, can be read"
            mistake = Mistake(path, 1, 1, "A101", f"the file is not a notebook: {error}", hint)
            raise Mistakes([mistake]) from None
        if language != "python":
            message = f"the notebook's language is {language!r}, not Python"
            raise Mistakes([Mistake(path, 1, 1, "A101", message)])
        return _Reader(cls(path, data, encoding, "", document)).read()

    def encode(self, text: str) -> bytes:
        return text.encode("utf-8", errors="surrogatepass")

    def rewritten(self, edits: Iterable[Edit]) -> bytes:
        """The notebook's bytes with edits of its cells; every other byte stays."""
        ascii_only = self.document.isascii()
        in_document = [self._in_document(edit, ascii_only) for edit in edits]
        return apply(self.document, in_document).encode(self.encoding, errors="surrogatepass")

    def _in_document(self, edit: Edit, ascii_only: bool) -> Edit:
        start, end = edit.span
        known = [span for span in self.spans[start:end] if span is not None]
        if known:
            span = known[0][0], known[-1][1]
        elif start < len(self.spans) and (here := self.spans[start]) is not None:
            span = here[0], here[0]
        else:
            before = self.spans[start - 1] if start else None
            assert before is not None, "edits are never between cells"
            span = before[1], before[1]

        def escaped(text: str) -> str:
            return json.dumps(text, ensure_ascii=ascii_only)[1:-1]

        instead = None if edit.instead is None else escaped(edit.instead)
        return replace(
            edit,
            span=span,
            before=escaped(edit.before),
            after=escaped(edit.after),
            instead=instead,
        )

    def frozen(self, text: str) -> bytes:
        """The cells as one Python file for the snapshot, with a marker line before each cell."""
        lines = text.split("\n")
        ends = [cell.line - 1 for cell in self.cells[1:]] + [len(lines)]
        parts = []
        for cell, end in zip(self.cells, ends, strict=False):  # there may be no cell
            capture = "" if cell.capture is None else f" %%capture {cell.capture}".rstrip()
            parts += [f"{MARK}{cell.number}{capture}", *lines[cell.line - 1 : end]]
        return "\n".join(parts).encode("utf-8", errors="surrogatepass")

    def place(self, line: int) -> tuple[str, int]:
        index = bisect_right([cell.line for cell in self.cells], line) - 1
        if index < 0:
            return self.path, line
        cell = self.cells[index]
        return f"{self.path}:cell {cell.number}", line - cell.line + 1


def _language(content: dict[str, object]) -> str:
    if not isinstance(content.get("cells"), list):
        raise ValueError("it has no list of cells")
    metadata = content.get("metadata")
    about = metadata.get("language_info", {}) if isinstance(metadata, dict) else {}
    return str(about.get("name", "python")).lower() if isinstance(about, dict) else "python"


class _Reader:
    """Collects the code cells of a notebook."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._text: list[str] = []
        self._spans: list[Span | None] = []
        self._line = 1
        self._cells: list[Cell] = []
        self._skipped: list[Skipped] = []

    def read(self) -> Notebook:
        kinds: dict[int, str] = {}
        sources: dict[int, list[Span]] = {}
        for path, span in _strings(self._notebook.document):
            if match := _TYPE.fullmatch(path):
                kinds[int(match[1])] = json.loads(self._notebook.document[span[0] : span[1]])
            elif match := _SOURCE.fullmatch(path):
                sources.setdefault(int(match[1]), []).append(span)
        needs = []
        for number, kind in sorted(kinds.items()):
            if kind == "code":
                try:
                    self._cell(number + 1, sources.get(number, []))
                except _Needs as mistake:
                    needs.append(mistake.mistake)
        if needs:
            raise Mistakes(needs)
        return replace(
            self._notebook,
            text="".join(self._text),
            cells=tuple(self._cells),
            spans=tuple(self._spans),
            skipped=tuple(self._skipped),
        )

    def _cell(self, number: int, strings: list[Span]) -> None:
        characters = [pair for span in strings for pair in self._characters(span)]
        text = "".join(character for character, _ in characters)
        try:
            parts = masked(text)
        except NeedsJupyter as error:
            raise _Needs(self._needs(number, text, error)) from None
        self._cells.append(Cell(number, self._line, parts.capture))
        end = 0
        for mask in parts.masks:
            self._add(characters[end : mask.span[0]])
            if mask.skips:
                self._skipped.append(Skipped(self._line, text[slice(*mask.span)].strip()))
            self._add([(character, None) for character in mask.instead])
            end = mask.span[1]
        self._add(characters[end:])
        if self._text and not self._text[-1].endswith("\n"):
            self._add([("\n", None)])

    def _characters(self, span: Span) -> Iterator[tuple[str, Span | None]]:
        """The characters of a JSON string, each with its span in the document."""
        document = self._notebook.document
        for match in _CHARACTER.finditer(document, span[0] + 1, span[1] - 1):
            raw = match.group()
            yield (json.loads(f'"{raw}"') if raw[0] == "\\" else raw), match.span()

    def _add(self, characters: Iterable[tuple[str, Span | None]]) -> None:
        for character, span in characters:
            self._text.append(character)
            self._spans.append(span)
            self._line += character == "\n"

    def _needs(self, number: int, text: str, error: NeedsJupyter) -> Mistake:
        start, end = error.span
        line = text.count("\n", 0, start)
        col = start - (text.rfind("\n", 0, start) + 1)
        return Mistake(
            f"{self._notebook.path}:cell {number}",
            line + 1,
            col + 1,
            "N101",
            f"{error.name} needs Jupyter, which trials do not use",
            "write it in plain Python, or remove it from the notebook",
            text.split("\n")[line],
            col + 1 + end - start,
        )


class _Needs(Exception):
    def __init__(self, mistake: Mistake) -> None:
        super().__init__()
        self.mistake = mistake


def _strings(document: str) -> Iterator[tuple[str, Span]]:
    """Each string value of a JSON text, by its path such as `cells.0.source.2`."""
    path: list[str | int] = []
    is_key = False
    for match in _TOKEN.finditer(document):
        if match[2]:
            is_key = _step(path, match[2])
        elif match[1] and is_key:
            path[-1] = json.loads(match[1])
        elif match[1]:
            yield ".".join(map(str, path)), match.span(1)


def _step(path: list[str | int], mark: str) -> bool:
    """Update `path` for a JSON punctuation mark; return whether a key follows."""
    if mark == "{":
        path.append("")
    elif mark == "[":
        path.append(0)
    elif mark in "}]":
        path.pop()
    elif mark == "," and isinstance(last := path[-1], int):
        path[-1] = last + 1
    return mark == "{" or (mark == "," and isinstance(path[-1], str))
