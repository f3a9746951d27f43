"""Detects that something else removed, replaced or truncated a file that is in use."""

from __future__ import annotations

import os
from pathlib import Path

from runtime.store.errors import StoreLost


class Intact:
    """The file `path` as it is now, to be compared with it later."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity, self._size = self._stat()

    def check(self) -> None:
        """Raise StoreLost if `path` no longer names the same file, or if that has shrunk."""
        identity, size = self._stat()
        if identity != self._identity:
            raise self._lost("replaced")
        if size < self._size:
            raise self._lost("truncated")
        self._size = size

    def _stat(self) -> tuple[tuple[int, int], int]:
        try:
            status = os.stat(self._path)  # noqa: PTH116  before each write
        except OSError:
            raise self._lost("removed") from None
        return (status.st_dev, status.st_ino), status.st_size

    def _lost(self, event: str) -> StoreLost:
        return StoreLost(
            f"{self._path} was {event} while it was in use",
            hint="a trial or another program did that; this experiment has ended",
        )
