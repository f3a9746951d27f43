"""What a trial leaves in its folder: only what is kept nowhere else."""

from __future__ import annotations

import contextlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from runtime.core.paths import ExperimentFolder, TrialFolder


class Remains:
    """Tidies the folders of trials that have ended, once nothing of theirs runs any more.

    A thread does it, because removing files may wait for the disk.
    """

    def __init__(self, folder: ExperimentFolder) -> None:
        self._folder = folder
        self._trials: set[int] = set()
        self._thread = ThreadPoolExecutor(1, "remains")

    def add(self, trial: int) -> None:
        """Tidy the folder of a trial once it is cleared. It has ended and never runs again."""
        self._trials.add(trial)

    def cleared(self, trial: int) -> None:
        """Tidy the trial's folder, if the trial has ended."""
        if trial in self._trials:
            self._trials.remove(trial)
            self._thread.submit(tidy, self._folder.trial(trial))

    def close(self) -> None:
        """Tidy all folders: nothing runs any more."""
        for trial in list(self._trials):
            self.cleared(trial)
        self._thread.shutdown()


def tidy(trial: TrialFolder) -> None:
    """Remove what the store and the snapshot have too, what is empty, and an empty folder.

    The store has the parameters and reports; copies of data files follow from the snapshot.
    """
    for path in (trial.parameters, trial.metrics):
        _remove(path)
    shutil.rmtree(trial.data, ignore_errors=True)
    for path in (trial.stdout, trial.stderr):
        if not _size(path):
            _remove(path)
    for path in (trial.changes, trial.output, trial.path):
        with contextlib.suppress(OSError):  # something is left in it, or the trial removed it
            path.rmdir()


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # the trial has removed it, or made it a folder
        path.unlink()


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
