"""A driver on its own: a process in a session of its own, which no terminal can end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from annotate.errors import AnnotateError
from runtime import paths
from runtime.failures import tail
from runtime.lock import is_held
from runtime.paths import ExperimentFolder

_PATIENCE = 1.0  # seconds; the driver is then still importing what it needs
_FINE = (0, 1, 130)  # exit codes of an experiment that has run


def start(folder: ExperimentFolder, options: Sequence[str] = ()) -> None:
    """Start the driver of `folder`, and return when it has its experiment, or soon after.

    `options` are those of `annotate resume`. What it prints goes to files of the folder. Raises
    AnnotateError with its own words where it ends at once.
    """
    command = [sys.executable, "-m", "annotate", "resume", folder.id, "--driver"]
    with folder.stdout.open("ab") as stdout, folder.stderr.open("ab") as stderr:
        process = subprocess.Popen(
            [*command, *options],
            cwd=folder.path,  # nothing there has the name of a module
            env={**os.environ, "ANNOTATE_HOME": str(paths.home())},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    until = time.monotonic() + _PATIENCE
    while process.poll() is None and not is_held(folder.lock) and time.monotonic() < until:
        time.sleep(0.02)
    if process.returncode not in (None, *_FINE):
        raise AnnotateError(
            f"the driver of experiment {folder.id} ended at once: {tail(folder.stderr)}",
            hint=f"annotate resume {folder.id} --foreground shows more",
        )
    process.returncode = process.returncode or 0  # it outlives us, so nobody waits for it
