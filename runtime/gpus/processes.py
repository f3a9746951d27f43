"""Whose a process is, as the system tells."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import psutil

from runtime.gpus.device import Process

_MOST = 60  # characters of a command that are shown


def described(process: Process) -> Process:
    """The same with its name, user, beginning and kin; unchanged where it can't be seen."""
    with suppress(psutil.Error, OSError):
        found = psutil.Process(process.pid)
        kin = {process.pid, *(above.pid for above in found.parents())}
        with suppress(OSError):
            kin.add(os.getsid(process.pid))
        return replace(
            process,
            name=_name(found),
            user=_user(found),
            started=found.create_time(),
            kin=frozenset(kin),
        )
    return process


def _name(process: psutil.Process) -> str:
    """`train` or, of an interpreter, `python train.py`. That is told by its command: PyTorch may
    call the process itself `pt_main_thread`."""
    name = str(process.name())
    with suppress(psutil.Error):
        first, *words = process.cmdline() or [name]
        if Path(first).name.startswith("python"):
            name = " ".join([Path(first).name, *_script(words)])
    return "".join(c if c.isprintable() else "?" for c in name)[:_MOST]


def _script(words: Sequence[str]) -> Iterator[str]:
    """The name of what an interpreter runs, if it is a file or a module."""
    options = list(takewhile(lambda word: word.startswith("-"), words))
    script, *rest = [*words[len(options) :], ""]
    if Path(script).parent.name == "stage":  # our own, which runs the one that is meant
        script = next((word for word in rest if not word.isdecimal()), script)
    if script and "-c" not in options:
        yield Path(script).name


def _user(process: psutil.Process) -> str:
    try:
        return str(process.username())
    except (psutil.Error, KeyError):
        return "another user"
