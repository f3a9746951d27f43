"""Starts a driver in the background: a process in its own session, which outlives a terminal."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Sequence

import annotate_hpo
from annotate.errors import AnnotateError
from runtime.core import paths
from runtime.core.failures import tail
from runtime.core.paths import ExperimentFolder
from runtime.system.lock import Held, Lock
from runtime.system.private import users_umask

_PATIENCE = 0.2  # seconds; a driver that cannot even start fails sooner
_FINE = (0, 1, 130)  # exit codes of a driver that ran its experiment


def lock(folder: ExperimentFolder, handed_down: int | None = None) -> Lock:
    """The lock of `folder`'s driver. Raises AnnotateError if another process holds it.

    Discards requests that an earlier driver died without answering.
    """
    lock = Lock(folder.lock)
    if handed_down is not None:
        return lock.adopt(handed_down)
    try:
        lock.acquire()
    except Held:
        raise AnnotateError(
            f"experiment {folder.id} is already running in another process (pid {lock.holder()})",
            hint=f"annotate trial ls {folder.id} shows its progress",
        ) from None
    folder.requests.unlink(missing_ok=True)
    return lock


def start(folder: ExperimentFolder, options: Sequence[str] = (), logins: bytes = b"") -> None:
    """Start the driver of `folder`; it holds the lock from the start.

    `options` are those of `annotate resume`. The driver reads `logins` from its standard input, so
    that they are in no file, argument or variable. Its output goes to files in the folder.
    Raises AnnotateError with that output if it fails at once.
    """
    with (
        lock(folder) as held,
        folder.stdout.open("ab") as stdout,
        folder.stderr.open("ab") as stderr,
    ):
        words = ["--driver", str(held.fileno()), *(["--logins"] if logins else [])]
        process = subprocess.Popen(
            annotate_hpo.command("resume", folder.id, *words, *options),
            cwd=folder.path,
            env=annotate_hpo.environment({**os.environ, "ANNOTATE_HOME": str(paths.home())}),
            stdin=subprocess.PIPE if logins else subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            umask=users_umask(),
            pass_fds=[held.fileno()],
        )
        held.sign(process.pid)
        if process.stdin is not None:
            with process.stdin as stdin, contextlib.suppress(BrokenPipeError):
                stdin.write(logins)
    until = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    if process.returncode not in (None, *_FINE):
        raise AnnotateError(
            f"the driver of experiment {folder.id} failed at once: {tail(folder.stderr)}",
            hint=f"annotate resume {folder.id} --foreground shows the details",
        )
    process.returncode = process.returncode or 0  # it outlives this process, so no one waits for it
