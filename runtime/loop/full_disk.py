"""A full disk: the experiment waits for room, says so, and goes on."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from runtime.store import Store, StoreFull

T = TypeVar("T")

_LEAST = 1 << 20  # bytes that must be free before a trial starts
_PAUSE = 1.0  # seconds from one try to the next
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Room:
    """The room on the disk of the folder `path`; `note` is told when there is none, and some."""

    def __init__(self, path: Path, note: Callable[[str], None]) -> None:
        self._path = path
        self._note = note
        self._given_up = threading.Event()
        self._full = False  # as far as has been said

    def give_up(self) -> None:
        """Wait no more: what finds no room from now on raises."""
        self._given_up.set()

    def short(self) -> bool:
        return shutil.disk_usage(self._path).free < _LEAST

    def look(self) -> None:
        """Say what has changed; for when nobody would find out by writing, as trials may wait."""
        if self.short() != self._full:
            self._say(full=not self._full)

    def _say(self, *, full: bool) -> None:
        self._full = full
        if full:
            text = "the experiment waits for room, nothing is lost"
            self._note(f"the disk of {self._path} is full: {text}")
        else:
            self._note("there is room on the disk again: the experiment goes on")

    def wait_for(self, attempt: Callable[[], T]) -> T:
        """What `attempt` returns, made again and again until the disk has room for it."""
        while True:
            try:
                done = attempt()
            except (StoreFull, OSError) as error:
                full = isinstance(error, StoreFull) or error.errno in _FULL
                if not full:
                    raise
                if self._given_up.is_set():
                    hint = f"make room, then: annotate resume {self._path.name}"
                    raise StoreFull(f"the disk of {self._path} is full", hint=hint) from None
            else:
                if self._full and not self.short():
                    self._say(full=False)
                return done
            if not self._full:
                self._say(full=True)
            self._given_up.wait(_PAUSE)

    def begin(self, start: Callable[[], T]) -> T:
        """Do what begins a trial as soon as there is some room for it."""

        def attempt() -> T:
            if self.short():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            return start()

        return self.wait_for(attempt)


def patient(store: Store, room: Room) -> Store:
    """The same store, whose changes wait for room."""
    return cast("Store", _Patient(store, room))


class _Patient:
    def __init__(self, store: Store, room: Room) -> None:
        self._store = store
        self._room = room

    def __getattr__(self, name: str) -> object:
        found = getattr(self._store, name)
        if not callable(found):
            return found
        return lambda *args, **more: self._room.wait_for(lambda: found(*args, **more))
