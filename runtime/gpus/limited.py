"""Calls into a library that may hang: each in a thread, waited for no longer than a limit."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

T = TypeVar("T")

_BRIEF = 0.1  # seconds


class Slow(Exception):
    """The call has not come back, and has been under way for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Limited(Generic[T]):
    """One function, called over and over; never twice at a time, so that calls that hang do not
    pile up. The thread of a call that hangs does not keep the process from ending."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._call: Future[T] | None = None
        self._late: Future[T] | None = None  # came back when nobody waited for it any more
        self._began = 0.0
        self._patience = math.inf

    def begin(self) -> None:
        """Begin a call, unless one is still under way."""
        self._patience = math.inf
        if self._call is not None:
            if not self._call.done():
                self._patience = 0.0
                return
            self._late, self._patience = self._call, _BRIEF
        self._call = Future()
        self._began = time.monotonic()
        threading.Thread(target=self._run, args=[self._call], name="nvml", daemon=True).start()

    def result(self, limit: float) -> T:
        """What the call gives within `limit` seconds, or else what one before it gave too late, or
        the error of either; raises Slow where there is none.

        Whoever was slow is waited for no more, or briefly, until it is quick again.
        """
        assert self._call is not None
        wait([self._call], max(0.0, min(limit, self._patience)))
        found = self._call if self._call.done() else self._late
        if found is None:
            raise Slow(time.monotonic() - self._began)
        self._call, self._late = None if found is self._call else self._call, None
        return found.result()

    def _run(self, future: Future[T]) -> None:
        try:
            future.set_result(self._function())
        except BaseException as error:
            future.set_exception(error)
