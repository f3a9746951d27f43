"""Signals to the driver: the first stops the experiment, the second stops it at once."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Protocol

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupt(Protocol):
    """Called in a signal handler; `at_once` from the second signal on."""

    def __call__(self, *, at_once: bool) -> None: ...


class Signals:
    """Calls `interrupt` for each signal within its `with` block.

    A `detached` driver ignores SIGHUP, so it outlives its terminal.
    """

    def __init__(self, interrupt: Interrupt, *, detached: bool) -> None:
        self._interrupt = interrupt
        self._detached = detached
        self._count = 0

    def __enter__(self) -> None:
        self._earlier = {number: signal.signal(number, self._handle) for number in _STOPPING}
        if self._detached:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def __exit__(self, *error: object) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        self._interrupt(at_once=self._count > 1)
