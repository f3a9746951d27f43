"""Polls the GPUs in a thread."""

from __future__ import annotations

import threading
import time
from typing import Callable

from runtime.stage.agent.gpus.device import View

_INTERVAL = 1.0  # seconds


class Poller:
    """Posts a view on request, and every second while `watching` is set; `read` takes a view."""

    def __init__(self, read: Callable[[], View], post: Callable[[View], None]) -> None:
        self._read = read
        self._post = post
        self._condition = threading.Condition()
        self._watching = self._requested = self._closed = False
        threading.Thread(target=self._run, name="gpus", daemon=True).start()

    @property
    def watching(self) -> bool:
        return self._watching

    @watching.setter
    def watching(self, watching: bool) -> None:
        if watching != self._watching:
            with self._condition:
                self._watching = watching
                self._condition.notify()

    def request(self) -> None:
        """Request a view that begins after this call."""
        with self._condition:
            self._requested = True
            self._condition.notify()

    def close(self) -> None:
        """Stop, without waiting for a view in progress, which may hang."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def _run(self) -> None:
        while self._wait():
            self._post(self._view())

    def _wait(self) -> bool:
        """Wait until a view is due; False once closed."""
        due = time.monotonic() + _INTERVAL
        with self._condition:
            while not self._closed and not self._requested:
                seconds = due - time.monotonic()
                if self._watching and seconds <= 0:
                    break
                self._condition.wait(seconds if self._watching else None)
            self._requested = False
            return not self._closed

    def _view(self) -> View:
        began = time.monotonic()
        try:
            return self._read()
        except Exception as error:  # must not end the experiment; shown as a reason for waiting
            return View(began, trouble=f"cannot be read: {type(error).__name__}: {error}")
