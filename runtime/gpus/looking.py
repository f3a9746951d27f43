"""Looking at the GPUs, again and again, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from runtime.gpus.device import View
from runtime.gpus.nvml import Nvml

_EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Looked:
    """The GPUs have been looked at."""

    view: View


class Looker:
    """Posts a view when asked for one, and every second while somebody watches."""

    def __init__(self, nvml: Nvml, post: Callable[[Looked], None]) -> None:
        self.watching = False
        self._nvml = nvml
        self._post = post
        self._asked = threading.Event()
        self._closed = False
        threading.Thread(target=self._run, name="gpus", daemon=True).start()

    def look(self) -> None:
        """Have a view posted that begins after this call."""
        self._asked.set()

    def close(self) -> None:
        """Look no more; a look that hangs is not waited for."""
        self._closed = True
        self._asked.set()

    def _run(self) -> None:
        while True:
            asked = self._asked.wait(_EVERY)
            self._asked.clear()
            if self._closed:
                return
            if asked or self.watching:
                self._post(Looked(self._view()))

    def _view(self) -> View:
        began = time.monotonic()
        try:
            return self._nvml.view()
        except Exception as error:  # the experiment goes on, and who waits is told
            return View(began, trouble=f"can't be read: {type(error).__name__}: {error}")
