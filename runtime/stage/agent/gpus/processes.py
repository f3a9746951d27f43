"""Looks up the name, user and ancestors of a process in /proc."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from itertools import takewhile
from typing import Iterator, List, Sequence, Tuple

from runtime.stage.agent.gpus.device import Process

_MAX_NAME = 60  # characters
_MAX_COMM = 15  # bytes of a name that the kernel keeps


def describe(process: Process) -> Process:
    """Fill in the name, user, start time and kin; unchanged if the process is not visible."""
    with suppress(OSError, ValueError, IndexError):
        parent, session, ticks = _stat(process.pid)
        return replace(
            process,
            name=_name(process.pid),
            user=_user(process.pid),
            started=_boot_time() + ticks / os.sysconf("SC_CLK_TCK"),
            kin=frozenset({process.pid, session, *_ancestors(parent)}),
        )
    return process


def _stat(pid: int) -> Tuple[int, int, int]:
    """The parent, the session, and the start in clock ticks since boot."""
    # The name before them, in parentheses, may contain anything.
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return int(fields[1]), int(fields[3]), int(fields[19])


def _ancestors(pid: int) -> Iterator[int]:
    with suppress(OSError, ValueError, IndexError):
        while pid > 0:
            yield pid
            pid = _stat(pid)[0]


@lru_cache(maxsize=1)
def _boot_time() -> int:
    """Seconds since the epoch."""
    with open("/proc/stat") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("btime "))


def _name(pid: int) -> str:
    """`train` or, for an interpreter, `python train.py`.

    An interpreter is recognised by its command, because PyTorch may rename the process to
    `pt_main_thread`.
    """
    name = _read(pid, "comm").rstrip("\n")
    words = _read(pid, "cmdline").rstrip("\0").split("\0")
    program = os.path.basename(words[0])
    if program.startswith("python"):
        name = " ".join([program, *_script(words[1:])])
    elif len(name) >= _MAX_COMM and program.startswith(name):
        name = program
    return "".join(c if c.isprintable() else "?" for c in name)[:_MAX_NAME]


def _script(arguments: Sequence[str]) -> Iterator[str]:
    """The name of the file or module that an interpreter runs; nothing for `-c`."""
    options: List[str] = list(takewhile(lambda argument: argument.startswith("-"), arguments))
    script, *rest = [*arguments[len(options) :], ""]
    if os.path.basename(os.path.dirname(script)) == "stage":  # our own, which runs the user's
        script = next((argument for argument in rest if not argument.isdecimal()), script)
    if script and "-c" not in options:
        yield os.path.basename(script)


def _user(pid: int) -> str:
    lines = _read(pid, "status").splitlines()
    uid = next(int(line.split()[1]) for line in lines if line.startswith("Uid:"))
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _read(pid: int, name: str) -> str:
    with open(f"/proc/{pid}/{name}", errors="replace") as file:
        return file.read()
