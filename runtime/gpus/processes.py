"""Looks up the name, user and ancestors of a process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import psutil

from runtime.gpus.device import Process

_MAX_NAME = 60  # characters


def describe(process: Process) -> Process:
    """Fill in the name, user, start time and kin; unchanged if the process is not visible."""
    with suppress(psutil.Error, OSError):
        details = psutil.Process(process.pid)
        kin = {process.pid, *(ancestor.pid for ancestor in details.parents())}
        with suppress(OSError):
            kin.add(os.getsid(process.pid))
        return replace(
            process,
            name=_name(details),
            user=_user(details),
            started=details.create_time(),
            kin=frozenset(kin),
        )
    return process


def _name(process: psutil.Process) -> str:
    """`train` or, for an interpreter, `python train.py`.

    An interpreter is recognised by its command, because PyTorch may rename the process to
    `pt_main_thread`.
    """
    name = str(process.name())
    with suppress(psutil.Error):
        program, *arguments = process.cmdline() or [name]
        if Path(program).name.startswith("python"):
            name = " ".join([Path(program).name, *_script(arguments)])
    return "".join(c if c.isprintable() else "?" for c in name)[:_MAX_NAME]


def _script(arguments: Sequence[str]) -> Iterator[str]:
    """The name of the file or module that an interpreter runs; nothing for `-c`."""
    options = list(takewhile(lambda argument: argument.startswith("-"), arguments))
    script, *rest = [*arguments[len(options) :], ""]
    if Path(script).parent.name == "stage":  # our own script, which runs the user's
        script = next((argument for argument in rest if not argument.isdecimal()), script)
    if script and "-c" not in options:
        yield Path(script).name


def _user(process: psutil.Process) -> str:
    try:
        return str(process.username())
    except (psutil.Error, KeyError):
        return "another user"
