"""Waits for changes of a file, instead of looking at it again and again."""

from __future__ import annotations

import contextlib
import os
import select
from pathlib import Path

from runtime.stage.agent.file_events import FileEvents, events_in
from runtime.system import filesystem


def events_for(folder: Path) -> FileEvents | None:
    """Events of files in `folder`; None if they would not tell everything.

    That is so on network file systems, which other machines may write to.
    """
    return None if filesystem.is_network(folder) else events_in(str(folder))


class FileWait:
    """Waits for changes of one file. Where the system does not tell, each wait is a pause."""

    def __init__(self, path: Path, interval: float) -> None:
        """`interval` is the pause in seconds."""
        self._path, self._interval = str(path), interval
        self._events = events_for(path.parent)
        self._awake, self._wake = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._awake, select.POLLIN)
        if self._events is not None:
            self._poll.register(self._events.fileno(), select.POLLIN)

    def begin(self) -> None:
        """Make the next `wait` notice changes from here on. Does nothing if there is no file."""
        if self._events is not None:
            with contextlib.suppress(OSError):
                self._events.watch(self._path)

    def wait(self, *, retry: bool = False) -> bool:
        """Return when the file may have changed since `begin`, or after `wake`.

        With `retry`, returns after a pause at the latest. Returns whether the system reported a
        change.
        """
        watched = self._events is not None and self._events.watches(self._path)
        self._poll.poll(None if watched and not retry else 1000 * self._interval)
        return self._events is not None and bool(self._events.changed())

    def wake(self) -> None:
        """End this wait and all later ones at once."""
        os.write(self._wake, b".")

    def close(self) -> None:
        os.close(self._awake)
        os.close(self._wake)
        if self._events is not None:
            self._events.close()
