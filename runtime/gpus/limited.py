"""Calls into a library that may hang: each in a thread, waited for no longer than a limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Waited
from typing import Generic, TypeVar

T = TypeVar("T")


class Slow(Exception):
    """The call has not come back; `since` (seconds since the epoch) it is under way."""

    def __init__(self, since: float) -> None:
        super().__init__(since)
        self.since = since


class Limited(Generic[T]):
    """One function, called over and over; never twice at a time, so that calls that hang do not
    pile up. The thread of a call that hangs does not keep the process from ending."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._future: Future[T] | None = None
        self._since = 0.0
        self._late = False

    def begin(self) -> None:
        """Begin a call, unless one is still under way; that one is not waited for any more."""
        self._late = self._future is not None
        if self._late:
            return
        self._future = Future()
        self._since = time.time()
        threading.Thread(target=self._run, args=[self._future], name="nvml", daemon=True).start()

    def result(self, limit: float) -> T:
        """What the call returned, or its error; raises Slow where `limit` seconds are over."""
        assert self._future is not None
        try:
            result = self._future.result(0.0 if self._late else max(0.0, limit))
        except Waited:
            if not self._future.done():
                raise Slow(self._since) from None
            raise
        finally:
            if self._future.done():
                self._future = None
        return result

    def _run(self, future: Future[T]) -> None:
        try:
            future.set_result(self._function())
        except BaseException as error:
            future.set_exception(error)
