"""Signals to the driver: the first stops the experiment, the second stops it at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupt(Protocol):
    """Called in a signal handler; `at_once` from the second signal on."""

    def __call__(self, *, at_once: bool) -> None: ...


class Signals:
    """Within its `with` block, signals raise KeyboardInterrupt, unless they are sent elsewhere.

    A driver that is `detached`, or was started by `nohup`, ignores SIGHUP and so outlives its
    terminal.
    """

    def __init__(self, *, detached: bool) -> None:
        self._interrupt: Interrupt = _raise
        self._detached = detached
        self._count = 0

    def __enter__(self) -> Signals:
        outlives = self._detached or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self._earlier = {number: signal.signal(number, self._handle) for number in _STOPPING}
        if outlives:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)

    @contextmanager
    def sent_to(self, interrupt: Interrupt) -> Iterator[None]:
        """Call `interrupt` for each signal in this block instead."""
        self._interrupt, self._count = interrupt, 0
        try:
            yield
        finally:
            self._interrupt = _raise

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        self._interrupt(at_once=self._count > 1)


def _raise(*, at_once: bool) -> None:
    raise KeyboardInterrupt
