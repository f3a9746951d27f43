"""A full disk: the experiment waits for space, reports it, and continues."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from runtime.store import StoreFull

T = TypeVar("T")

_MIN_FREE = 1 << 20  # bytes that must be free before a trial starts
_RETRY_INTERVAL = 1.0  # seconds
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class DiskGuard:
    """Retries writes below `path` until the disk has space or `give_up` is called.

    Calls `notify` once when the disk fills up and once when space returns.
    """

    def __init__(self, path: Path, notify: Callable[[str], None]) -> None:
        self._path = path
        self._notify = notify
        self._given_up = threading.Event()
        self._reported_full = False

    def give_up(self) -> None:
        """Stop waiting: from now on a write that finds the disk full raises StoreFull."""
        self._given_up.set()

    def is_full(self) -> bool:
        """Whether less than 1 MiB is free; False if the folder is gone."""
        try:
            return shutil.disk_usage(self._path).free < _MIN_FREE
        except FileNotFoundError:
            return False

    def poll(self) -> None:
        """Report a change even if no trial is writing."""
        if self.is_full() != self._reported_full:
            self._report(full=not self._reported_full)

    def _report(self, *, full: bool) -> None:
        self._reported_full = full
        if full:
            text = "the experiment waits for space, and nothing is lost"
            self._notify(f"the disk of {self._path} is full: {text}")
        else:
            self._notify(f"the disk of {self._path} has space again: the experiment continues")

    def retry(self, write: Callable[[], T]) -> T:
        """Call `write` until the disk has space for it, and return its result.

        Raises StoreFull after `give_up`.
        """
        while True:
            try:
                result = write()
            except (StoreFull, OSError) as error:
                if not isinstance(error, StoreFull) and error.errno not in _DISK_FULL:
                    raise
                if self._given_up.is_set():
                    hint = f"free some space, then: annotate resume {self._path.name}"
                    raise StoreFull(f"the disk of {self._path} is full", hint=hint) from None
            else:
                if self._reported_full and not self.is_full():
                    self._report(full=False)
                return result
            if not self._reported_full:
                self._report(full=True)
            self._given_up.wait(_RETRY_INTERVAL)

    def start(self, start: Callable[[], T]) -> T:
        """Call `start`, which starts a trial, once the disk has some space."""

        def attempt() -> T:
            if self.is_full():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            return start()

        return self.retry(attempt)
