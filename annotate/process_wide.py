"""Settings of the whole process that change while any thread needs it."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from functools import partial


class Shared:
    """A context that several threads may enter: the first changes a setting, the last restores it.

    `change` makes the change and returns the function that undoes it.
    """

    def __init__(self, change: Callable[[], Callable[[], None]]) -> None:
        self._change = change
        self._lock = threading.Lock()
        self._inside = 0
        self._undo: Callable[[], None]

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._undo = self._change()
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._undo()


def _pause_collection() -> Callable[[], None]:
    if not gc.isenabled():
        return _nothing
    gc.disable()
    return gc.enable


def _nothing() -> None:
    pass


def deeper_stack(frames: int) -> Shared:
    """At least `frames` Python frames."""

    def change() -> Callable[[], None]:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, frames))
        return partial(sys.setrecursionlimit, limit)

    return Shared(change)


#: No garbage collection. It costs much while many objects are made, and in a stack that is almost
#: full it makes other objects' finalizers fail.
no_collection = Shared(_pause_collection)
