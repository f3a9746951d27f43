"""Waits for changes in a folder within an event loop."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from types import TracebackType

from runtime.system.file_wait import events_for


class FolderChanges:
    """Changes of the files in a folder, from the start of a `with` block to its end.

    Where the system does not tell of them, each wait is a pause of `interval` seconds.
    """

    def __init__(self, folder: Path, interval: float) -> None:
        self._folder, self._interval = folder, interval
        self._changed = asyncio.Event()

    def __enter__(self) -> FolderChanges:
        self._events = events_for(self._folder)
        if self._events is not None:
            asyncio.get_running_loop().add_reader(self._events.fileno(), self._read)
            with contextlib.suppress(OSError):  # the folder is gone
                self._events.watch(str(self._folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None
    ) -> None:
        if self._events is not None:
            asyncio.get_running_loop().remove_reader(self._events.fileno())
            self._events.close()

    def _read(self) -> None:
        assert self._events is not None
        if self._events.changed():
            self._changed.set()

    def take(self) -> bool:
        """Whether anything may have changed since the last call."""
        changed = self._changed.is_set()
        self._changed.clear()
        return changed

    async def wait(self, limit: float) -> None:
        """Return when something may have changed, after `limit` seconds at the latest."""
        if self._events is None or not self._events.watches(str(self._folder)):
            await asyncio.sleep(min(limit, self._interval))
            return
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._changed.wait(), max(0.0, limit))
