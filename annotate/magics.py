"""Replace the parts of a notebook cell that are not Python: magics, shell lines and `?` help.

Trials run only Python. A part becomes a call to the trial's `get_ipython()` if Python depends on it
and a trial can do it, a comment if Python does not depend on it, and a mistake otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from annotate import lexer
from annotate.magic_names import (
    AUTOMATIC,
    IDLE,
    RUN,
    SHELL,
    TIMES,
    VALUES,
    WRITES,
    capture_name,
    has_effect,
    is_skipped_cell,
)
from annotate.tree import Span

_CELL = re.compile(
    r"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))*"  # Colab's `#@title` may stand before the magic
    r"(?P<all>[ \t]*%%(?P<name>[\w.]+|!)(?P<options>[^\r\n]*))"
)
_LINE = re.compile(r"(?P<blank>[ \t]*)(?:%(?P<name>[\w.]+)|(?P<shell>!!?)|\?)(?P<rest>[^\r\n]*)")
_BARE = re.compile(
    rf"(?P<blank>[ \t]*)(?P<name>{'|'.join(AUTOMATIC)})(?P<rest>[ \t]+[\w./~-][^\r\n]*)"
)
_ASSIGNED = re.compile(
    r"[ \t]*[\w.,\[\]'\" \t]+=[ \t]*(?P<what>(?:!!?|%[ \t]*(?P<name>\w+))(?P<rest>[^\r\n]*))"
)
_NEXT_LINE = re.compile(r"\r?\n[^\r\n]*")
_TIMED = re.compile(r"[ \t]*(%\w+(?:[ \t]+-\w+(?:[ \t]+\d+)?)*[ \t]*)")
_HELP = re.compile(r"[ \t]*%{0,2}[\w.*]+(?:\[[^\]\r\n]*\])?\?\??[ \t]*(?=[\r\n]|\Z)")
_JOINED = re.compile(r"\\\r?\n")
_NEWLINE = re.compile(r"\r\n|\r|\n")


class NeedsJupyter(Exception):
    """A magic at `span` that affects what the cell does, and that trials cannot do."""

    def __init__(self, name: str, span: Span) -> None:
        super().__init__(name)
        self.name, self.span = name, span


@dataclass(frozen=True, slots=True)
class Mask:
    """A part of a cell that is not Python, and its replacement.

    `skips`: whether trials skip something there that a later cell may need.
    """

    span: Span
    instead: str
    skips: bool = False


@dataclass(frozen=True, slots=True)
class Masked:
    """What to replace in a cell, in order; and the options of its `%%capture`, if any."""

    masks: tuple[Mask, ...]
    capture: str | None = None


def masked(cell: str) -> Masked:
    """Find the parts of a cell to replace; raises NeedsJupyter."""
    masks: list[Mask] = []
    capture, at = None, 0
    while first := _CELL.match(cell, at):
        name, options = first["name"], first["options"].strip()
        if name == "capture" and capture_name(options) is not None:
            capture = options
        elif name not in TIMES:
            return Masked((*masks, *_whole(cell, first)), capture)
        masks.append(_comment(cell, first.span("all")))
        at = first.end()
    return Masked((*masks, *_lines(cell, at)), capture)


def _whole(cell: str, first: re.Match[str]) -> Iterator[Mask]:
    """Replace a cell whose magic takes all of it."""
    name, options = first["name"].replace("!", "sx"), first["options"].strip()
    body = _NEWLINE.split(cell[first.end() :], maxsplit=1)[-1]
    if name in WRITES and options and not options.startswith("-"):
        text = body if body.endswith("\n") else f"{body}\n"
        yield Mask(first.span("all"), _call("run_cell_magic", name, options, text))
    elif is_skipped_cell(name, options):
        effect = name not in IDLE and not options.startswith("false") and has_effect(body)
        yield _comment(cell, first.span("all"), effect)
    else:
        raise NeedsJupyter(f"%%{first['name']}", (first.start("name") - 2, first.end("name")))
    for line in re.finditer(r"[^\r\n]+", cell[first.end() :]):
        at = first.end() + line.start()
        yield Mask((at, at), "# ")  # no statement, whatever the line's indentation


def _lines(cell: str, at: int) -> Iterator[Mask]:
    while at < len(cell):
        mask = _assigned(cell, at) or _line(cell, at)
        if mask is None:
            at = _logical_end(cell, at)
        else:
            yield mask
            # The text after `%time` is Python and may span lines.
            at = mask.span[1] if mask.instead else _logical_end(cell, mask.span[1])


def _assigned(cell: str, at: int) -> Mask | None:
    """Replace the value in `name = !command` or `name = %magic`."""
    match = _ASSIGNED.match(cell, at)
    if match is None:
        return None
    name, start = match["name"], match.start("what")
    if name == "time":
        return Mask((start, match.end() - len(match["rest"].lstrip())), "")
    span = start, _continued(cell, match.end())
    command = _JOINED.sub(" ", cell[match.start("rest") : span[1]]).strip()
    if name is None or name in ("sx", "system"):
        return _replaced(cell, span, _call("getoutput", command))
    if name in VALUES:
        return _replaced(cell, span, _call("run_line_magic", name, command))
    raise NeedsJupyter(f"%{name}", (span[0], match.end("name")))


def _line(cell: str, at: int) -> Mask | None:
    """Replace a line that is a magic, a shell command or a question."""
    if question := _HELP.match(cell, at):
        return _comment(cell, question.span())
    match = _LINE.match(cell, at) or _automatic(cell, at)
    if match is None:
        return None
    name = match["name"]
    if name in TIMES and (timed := _TIMED.match(cell, at)):
        return Mask(timed.span(1), "")
    span = at, _continued(cell, match.end())
    command = _JOINED.sub(" ", cell[match.start("rest") : span[1]]).strip()
    if name in RUN:
        return _replaced(cell, span, match["blank"] + _call("run_line_magic", name, command))
    is_shell = name in SHELL or match.groupdict().get("shell") is not None
    if name is not None and name not in IDLE and not is_shell:
        start = match.start("name") - 1
        raise NeedsJupyter(f"%{name}", (start, match.end("name")))
    is_alias = is_shell and name not in (None, "sx", "system", "shell")
    return _comment(
        cell, span, is_shell and has_effect(f"{name} {command}" if is_alias else command)
    )


def _automatic(cell: str, at: int) -> re.Match[str] | None:
    """A magic without its percent sign, which IPython adds to a line that is not Python."""
    match = _BARE.match(cell, at)
    if match is None:
        return None
    try:
        compile(match.group().strip(), "", "exec")
    except (SyntaxError, ValueError):
        return match
    return None


def _continued(cell: str, end: int) -> int:
    """The end of a command whose first line ends at `end`."""
    while cell[:end].endswith("\\") and (line := _NEXT_LINE.match(cell, end)):
        end = line.end()
    return end


def _call(method: str, *arguments: str) -> str:
    return f"get_ipython().{method}({', '.join(map(repr, arguments))})"


def _replaced(cell: str, span: Span, code: str) -> Mask:
    """Replace a span by code on its first line, and comment out its other lines."""
    _, *others = re.split(r"(\r\n|\r|\n)", cell[span[0] : span[1]])
    rest = "".join(text if n % 2 == 0 else f"# {text}" for n, text in enumerate(others))
    return Mask(span, code + rest)


def _comment(cell: str, span: Span, skips: bool = False) -> Mask:
    """Comment out a span; indented text gets a `pass`, as it may be all that its block has."""
    text = cell[span[0] : span[1]]
    blank = text[: len(text) - len(text.lstrip())]
    lines = re.sub(r"(\r\n|\r|\n)", r"\1# ", text[len(blank) :])
    return Mask(span, f"{blank}{'pass  ' if blank else ''}# {lines}", skips)


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
