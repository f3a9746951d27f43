"""Why trials wait for an engine, as the user is told."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

_PATIENCE = 3.0  # seconds that trials may wait before the user is told


class Patience:
    """Passes each reason to `note` once, after trials have waited for it for a while."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._why: str | None = None
        self._until = math.inf  # monotonic seconds

    def wait(self, why: str | None) -> None:
        """Trials wait for this reason now, for none with None."""
        if why != self._why:
            self._why, self._until = why, time.monotonic() + _PATIENCE
        if why is not None and time.monotonic() >= self._until:
            self._until = math.inf
            self._note(f"trials wait: {why}")
