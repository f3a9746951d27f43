"""Having changes reach the disk soon, while nobody waits for it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

_WITHIN = 0.05  # seconds from a change to the beginning of its way to the disk


class Syncer:
    """Syncs the file `path` soon after each `changed`, from a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None  # what the disk said last, where it failed
        # SQLite's locks are on other files: closing this one gives up none of them.
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="syncer", daemon=True)
        self._thread.start()

    def changed(self) -> None:
        self._changed.set()

    def close(self) -> None:
        """Returns when all is on the disk."""
        self._closing.set()
        self._changed.set()
        self._thread.join()
        os.close(self._file)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._changed.wait()
            self._closing.wait(_WITHIN)
            self._changed.clear()
            try:
                os.fsync(self._file)
            except OSError as error:
                self.error = error
