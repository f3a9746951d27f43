"""Calls a function that may hang, in its own thread and with a time limit."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import Future, wait
from typing import Callable, Generic, TypeVar

T = TypeVar("T")

_BRIEF_WAIT = 0.1  # seconds


class Slow(Exception):
    """The call has been running for `seconds` and has not returned."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class TimedCall(Generic[T]):
    """Calls one function again and again, but never twice at a time: hung calls do not pile up.

    The thread of a hung call does not keep the process from exiting.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._call: Future[T] | None = None
        self._late: Future[T] | None = None  # an earlier call that returned after its time limit
        self._began = 0.0
        self._max_wait = math.inf

    def begin(self) -> None:
        """Start a call, unless one is still running."""
        self._max_wait = math.inf
        if self._call is not None:
            if not self._call.done():
                self._max_wait = 0.0
                return
            self._late, self._max_wait = self._call, _BRIEF_WAIT
        self._call = Future()
        self._began = time.monotonic()
        threading.Thread(target=self._run, args=[self._call], name="nvml", daemon=True).start()

    def result(self, limit: float) -> T:
        """The result of the call, or of an earlier one that was late; raises the call's error.

        Waits at most `limit` seconds, and less while the function has been slow. Raises Slow if
        no call has returned by then.
        """
        assert self._call is not None
        wait([self._call], max(0.0, min(limit, self._max_wait)))
        returned = self._call if self._call.done() else self._late
        if returned is None:
            raise Slow(time.monotonic() - self._began)
        self._call, self._late = None if returned is self._call else self._call, None
        return returned.result()

    def _run(self, future: Future[T]) -> None:
        try:
            future.set_result(self._function())
        except BaseException as error:
            future.set_exception(error)
