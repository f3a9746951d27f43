"""Whose a process is, as the system tells."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace

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
    """`train` or, of an interpreter, `python train.py`."""
    name = str(process.name())
    with suppress(psutil.Error):
        words = process.cmdline()[1:]
        script = next((word for word in words if not word.startswith("-")), "")
        if name.startswith("python") and script:
            name = f"{name} {os.path.basename(script)}"  # noqa: PTH119  of another's words
    return "".join(c if c.isprintable() else "?" for c in name)[:_MOST]


def _user(process: psutil.Process) -> str:
    try:
        return str(process.username())
    except (psutil.Error, KeyError):
        return "another user"
