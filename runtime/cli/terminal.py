"""Standard output and standard error, which may be closed, full or gone.

Everything that a command prints goes through `show` and `say`, and through `cell` in tables.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.text import Text

#: Faults of the machine, which a sentence explains better than a traceback.
_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


T = TypeVar("T")

_MANY = 10_000  # items that may take a second

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
#: Control characters, lone surrogates, separators of lines, and marks that change the direction.
_OTHERS = r"\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_HIDDEN = re.compile(rf"[\x00-\x1f{_OTHERS}]")
_HIDDEN_IN_LINES = re.compile(rf"[\x00-\x08\x0b-\x1f{_OTHERS}]")


def open_closed_streams() -> None:
    """Replace closed standard streams by /dev/null.

    Otherwise the next files that this process opens would get their numbers, and a stray print
    would write into them.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115
    with suppress(AttributeError):  # a test's own stream
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def show(text: object = "", end: str = "\n") -> None:
    """Print text on standard output; see `visible`."""
    print(visible(str(text), lines=True), end=end)


def say(text: str) -> None:
    """Print text on standard error. A terminal that is full or gone must end no experiment."""
    with suppress(OSError, ValueError):
        print(visible(text, lines=True), file=sys.stderr, flush=True)


def show_bytes(data: bytes) -> None:
    """Write a file's bytes: as they are, or as visible text if a person reads them."""
    if sys.stdout.isatty():
        text = data.decode("utf-8", errors="backslashreplace")
        show(text.replace("\r\n", "\n"), end="")
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def counted(items: Sequence[T], what: str) -> Iterable[T]:
    """The items; on a terminal, many of them are counted on standard error while they last."""
    if len(items) < _MANY or not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, what, console=Console(stderr=True), transient=True)


def cell(text: object, style: str = "") -> Text:
    """A table's cell, on one line."""
    from rich.text import Text

    return Text(visible(str(text)), style)


def visible(text: str, *, lines: bool = False) -> str:
    """The text with characters that command a terminal, or reorder it, as escapes: `\\x1b`.

    Without `lines`, newlines and tabs are escaped too. With it, colours are dropped.
    """
    if lines:
        text = _COLOUR.sub("", text)
    return (_HIDDEN_IN_LINES if lines else _HIDDEN).sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def explain(error: OSError) -> str | None:
    """A sentence for a fault of the machine, such as a full disk; None for any other error."""
    if error.errno not in _MACHINE:
        return None
    return f"{error.filename or 'the output'} cannot be written: {error.strerror}"


def drop_output() -> None:
    """Forget what could not be printed; else Python would try again at exit, and complain."""
    sys.stdout = None
