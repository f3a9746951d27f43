"""Polls the GPUs in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from runtime.gpus.device import View
from runtime.gpus.nvml import Nvml

_INTERVAL = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class NewView:
    """A new view of the GPUs."""

    view: View


class Poller:
    """Posts a view on request, and every second while `watching` is set."""

    def __init__(self, nvml: Nvml, post: Callable[[NewView], None]) -> None:
        self.watching = False
        self._nvml = nvml
        self._post = post
        self._requested = threading.Event()
        self._closed = False
        threading.Thread(target=self._run, name="gpus", daemon=True).start()

    def request(self) -> None:
        """Request a view that begins after this call."""
        self._requested.set()

    def close(self) -> None:
        """Stop, without waiting for a view in progress, which may hang."""
        self._closed = True
        self._requested.set()

    def _run(self) -> None:
        while True:
            requested = self._requested.wait(_INTERVAL)
            self._requested.clear()
            if self._closed:
                return
            if requested or self.watching:
                self._post(NewView(self._view()))

    def _view(self) -> View:
        began = time.monotonic()
        try:
            return self._nvml.view()
        except Exception as error:  # must not end the experiment; shown as a reason for waiting
            return View(began, trouble=f"cannot be read: {type(error).__name__}: {error}")
