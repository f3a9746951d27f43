"""Reads standard input once, so that every trial of a script that reads it gets all of it."""

from __future__ import annotations

import os
import stat
import tempfile
from typing import BinaryIO

from annotate.errors import AnnotateError
from annotate.project import Project
from annotate.standard_input import reads_standard_input
from runtime.cli import terminal
from runtime.core.config import Config
from runtime.system.timer import call_after
from runtime.system.units import size

LIMIT = 1 << 30  # bytes
_CHUNK = 1 << 20
_SLOW = 3.0  # seconds
_TERMINAL = "{} reads standard input, but trials get empty input: pass it with < FILE"


def read(config: Config, project: Project) -> tuple[BinaryIO | None, list[str]]:
    """The input of every trial, None for an empty one, and notes for the user.

    Reads standard input to its end if the script's code reads it. Never reads a terminal. Raises
    AnnotateError if the input cannot be read or is longer than LIMIT.
    """
    if not config.script:
        return None, []  # a command for the shell
    reached = [file for file in project.files if file.counts]
    if not reads_standard_input(reached, config.arguments):
        return None, []
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return None, []  # closed
    if os.isatty(0):
        return None, [_TERMINAL.format(config.script)]
    if stat.S_ISCHR(mode) and os.fstat(0).st_rdev == os.stat(os.devnull).st_rdev:  # noqa: PTH116
        return None, []
    copy = tempfile.TemporaryFile()  # noqa: SIM115  read when the experiment is created
    try:
        with call_after(_SLOW, _announce_reading):
            _copy(copy)
    except BaseException as error:
        copy.close()
        if not isinstance(error, OSError):
            raise
        raise AnnotateError(f"standard input cannot be read: {error.strerror or error}") from None
    return copy, []


def _copy(copy: BinaryIO) -> None:
    while data := os.read(0, _CHUNK):
        copy.write(data)
        if copy.tell() > LIMIT:
            raise AnnotateError(
                f"standard input exceeds {size(LIMIT)}, the limit for trials",
                hint="save it to a file, and let the script read that file",
            )
    copy.seek(0)


def _announce_reading() -> None:
    text = "Reading standard input to its end: every trial gets it. Use </dev/null to pass nothing."
    terminal.say(text)
