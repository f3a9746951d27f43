"""Mask the parts of a notebook cell that are not Python: magics, shell lines and `?` help.

Trials run only the Python. Other parts are commented out if Python does not depend on them, and
are a mistake otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from annotate import lexer
from annotate.tree import Span

_MAGIC = re.compile(r"[ \t]*(?:(%%?)([\w.]+)|!|\?)[^\r\n]*")
_ASSIGNED = re.compile(r"[ \t]*[\w.,\[\]'\" \t]+=[ \t]*(?P<what>[!%][ \t]*\w*)[^\r\n]*")
_NEXT_LINE = re.compile(r"\r?\n[^\r\n]*")
_TIMED = re.compile(r"[ \t]*(%\w+(?:[ \t]+-\w+(?:[ \t]+\d+)?)*[ \t]*)")
_WHOLE_CELL = re.compile(r"\s*%%([\w.]+)[^\r\n]*")
_HELP = re.compile(r"[ \t]*[\w.]+\?\??[ \t]*(?=[\r\n]|\Z)")
#: Magics that just run the code after them.
_TIMES = frozenset({"time", "timeit", "prun", "capture", "memit", "mprun", "lprun"})
#: Magics that do not affect Python.
_IDLE = frozenset(
    # display, packages and information
    {"matplotlib", "config", "precision", "colors", "xmode", "pdb", "tensorboard"}
    | {"load_ext", "reload_ext", "unload_ext", "autoreload", "pip", "conda", "mamba", "uv"}
    | {"who", "whos", "pwd", "ls", "ll", "history", "lsmagic", "magic", "quickref"}
    | {"pinfo", "pinfo2", "pdoc", "psource", "doctest_mode"}
    # cells in other languages that only display something
    | {"html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG"}
)


class NeedsJupyter(Exception):
    """A magic at `span` that affects what the cell does."""

    def __init__(self, name: str, span: Span) -> None:
        super().__init__(name)
        self.name, self.span = name, span


@dataclass(frozen=True, slots=True)
class Mask:
    """A part of a cell that is not Python, and its replacement."""

    span: Span
    instead: str


def masks(cell: str) -> Iterator[Mask]:
    """The parts of a cell to mask, in order; raises NeedsJupyter."""
    first = _WHOLE_CELL.match(cell)
    if first is not None:
        name, start = first[1], first.start(1) - 2
        if name not in _TIMES:
            if name not in _IDLE:
                raise NeedsJupyter(f"%%{name}", (start, first.end(1)))
            yield from (_comment(cell, line.span()) for line in re.finditer(r"[^\r\n]+", cell))
            return
        yield _comment(cell, (start, first.end()))
    at = first.end() if first else 0
    while at < len(cell):
        if masked := _masked(cell, at):
            yield masked
            # The text after `%time` is Python and may span lines.
            at = masked.span[1] if masked.instead else _logical_end(cell, masked.span[1])
        else:
            at = _logical_end(cell, at)


def _masked(cell: str, at: int) -> Mask | None:
    if assigned := _ASSIGNED.match(cell, at):
        raise NeedsJupyter(assigned["what"].strip(), assigned.span("what"))
    if question := _HELP.match(cell, at):
        return _comment(cell, question.span())
    magic = _MAGIC.match(cell, at)
    if magic is None:
        return None
    name = magic[2]
    if name in _TIMES and (timed := _TIMED.match(cell, at)):
        return Mask(timed.span(1), "")
    if name is not None and name not in _IDLE:
        raise NeedsJupyter(f"%{name}", (magic.start(1), magic.end(2)))
    end = magic.end()
    while cell[:end].endswith("\\") and (line := _NEXT_LINE.match(cell, end)):
        end = line.end()
    return _comment(cell, (at, end))


def _comment(cell: str, span: Span) -> Mask:
    """Comment out a span; indented text gets a `pass`, as it may be all that its block has."""
    text = cell[span[0] : span[1]]
    blank = text[: len(text) - len(text.lstrip())]
    lines = re.sub(r"(\r\n|\r|\n)", r"\1# ", text[len(blank) :])
    return Mask(span, f"{blank}{'pass  ' if blank else ''}# {lines}")


def _logical_end(cell: str, at: int) -> int:
    """The end of the logical line that begins at `at`, including its newline."""
    depth = 0
    for token in lexer.tokens(cell, at):
        if token.kind == "open":
            depth += 1
        elif token.kind == "close":
            depth = max(0, depth - 1)
        elif token.kind == "newline" and not depth:
            return token.end
    return len(cell)
