"""Syncs changes to the disk in the background, so that no caller waits for it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

_DELAY = 0.05  # seconds from a change to its sync; changes in between share it


class Syncer:
    """Syncs the file `path` shortly after each `changed`, from its own thread."""

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None  # from the last sync that failed
        # SQLite locks other files than this one, so closing it releases none of SQLite's locks.
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="syncer", daemon=True)
        self._thread.start()

    def changed(self) -> None:
        """Schedule a sync; returns at once."""
        self._changed.set()

    def close(self) -> None:
        """Sync once more, then stop the thread."""
        self._closing.set()
        self._changed.set()
        self._thread.join()
        os.close(self._file)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._changed.wait()
            self._closing.wait(_DELAY)
            self._changed.clear()
            try:
                os.fsync(self._file)
            except OSError as error:
                self.error = error
