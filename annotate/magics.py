"""What a notebook's cell holds beside Python: magics, shell lines and questions for help.

Trials run the Python only. What else stands in a cell is left out for them where leaving it out
changes nothing that Python sees, and is a mistake where it does.
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
#: Magics before code that runs all the same.
_TIMES = frozenset({"time", "timeit", "prun", "capture", "memit", "mprun", "lprun"})
#: Those without which Python sees the same.
_IDLE = frozenset(
    # looks, packages, and questions
    {"matplotlib", "config", "precision", "colors", "xmode", "pdb", "tensorboard"}
    | {"load_ext", "reload_ext", "unload_ext", "autoreload", "pip", "conda", "mamba", "uv"}
    | {"who", "whos", "pwd", "ls", "ll", "history", "lsmagic", "magic", "quickref"}
    | {"pinfo", "pinfo2", "pdoc", "psource", "doctest_mode"}
    # cells in another language than Python that only show something
    | {"html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG"}
)


class NeedsJupyter(Exception):
    """A magic without which the cell would not be the same; `span` is where it stands."""

    def __init__(self, name: str, span: Span) -> None:
        super().__init__(name)
        self.name, self.span = name, span


@dataclass(frozen=True, slots=True)
class Mask:
    """A part of a cell that is no Python, and what stands for it."""

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
            # What stands behind `%time` is Python and may go on over the line.
            at = masked.span[1] if masked.instead else _logical_end(cell, masked.span[1])
        else:
            at = _logical_end(cell, at)


def _masked(cell: str, at: int) -> Mask | None:
    if assigned := _ASSIGNED.match(cell, at):
        raise NeedsJupyter(assigned["what"].strip(), assigned.span("what"))
    if found := _HELP.match(cell, at):
        return _comment(cell, found.span())
    found = _MAGIC.match(cell, at)
    if found is None:
        return None
    name = found[2]
    if name in _TIMES and (timed := _TIMED.match(cell, at)):
        return Mask(timed.span(1), "")
    if name is not None and name not in _IDLE:
        raise NeedsJupyter(f"%{name}", (found.start(1), found.end(2)))
    end = found.end()
    while cell[:end].endswith("\\") and (more := _NEXT_LINE.match(cell, end)):
        end = more.end()
    return _comment(cell, (at, end))


def _comment(cell: str, span: Span) -> Mask:
    """A comment; in a block, which it may be all of, behind a `pass`."""
    text = cell[span[0] : span[1]]
    blank = text[: len(text) - len(text.lstrip())]
    lines = re.sub(r"(\r\n|\r|\n)", r"\1# ", text[len(blank) :])
    return Mask(span, f"{blank}{'pass  ' if blank else ''}# {lines}")


def _logical_end(cell: str, at: int) -> int:
    """Where the logical line that begins at `at` ends, its newline included."""
    depth = 0
    for token in lexer.tokens(cell, at):
        if token.kind == "open":
            depth += 1
        elif token.kind == "close":
            depth = max(0, depth - 1)
        elif token.kind == "newline" and not depth:
            return token.end
    return len(cell)
