"""A driver on its own: a process in a session of its own, which no terminal can end."""

from __future__ import annotations

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

_PATIENCE = 0.2  # seconds; the driver is then still importing what it needs
_FINE = (0, 1, 130)  # exit codes of an experiment that has run


def lock(folder: ExperimentFolder, handed_down: int | None = None) -> Lock:
    """The right to drive `folder`; raises AnnotateError where somebody else has it.

    What was asked of an earlier driver that died is forgotten then.
    """
    lock = Lock(folder.lock)
    if handed_down is not None:
        return lock.adopt(handed_down)
    try:
        lock.acquire()
    except Held:
        raise AnnotateError(
            f"experiment {folder.id} is already run by another process (pid {lock.holder()})",
            hint=f"annotate trial ls {folder.id} shows how far it is",
        ) from None
    folder.requests.unlink(missing_ok=True)
    return lock


def start(folder: ExperimentFolder, options: Sequence[str] = ()) -> None:
    """Start the driver of `folder`, which has its lock at once.

    `options` are those of `annotate resume`. What it prints goes to files of the folder. Raises
    AnnotateError with its own words where it ends at once.
    """
    with (
        lock(folder) as held,
        folder.stdout.open("ab") as stdout,
        folder.stderr.open("ab") as stderr,
    ):
        process = subprocess.Popen(
            annotate_hpo.command("resume", folder.id, "--driver", str(held.fileno()), *options),
            cwd=folder.path,
            env=annotate_hpo.environment({**os.environ, "ANNOTATE_HOME": str(paths.home())}),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            pass_fds=[held.fileno()],
        )
        held.sign(process.pid)
    until = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    if process.returncode not in (None, *_FINE):
        raise AnnotateError(
            f"the driver of experiment {folder.id} ended at once: {tail(folder.stderr)}",
            hint=f"annotate resume {folder.id} --foreground shows more",
        )
    process.returncode = process.returncode or 0  # it outlives us, so nobody waits for it
