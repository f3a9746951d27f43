"""What follows an experiment while it runs, such as the progress on a terminal."""

from __future__ import annotations

from typing import Protocol

from runtime.core.failures import Failure
from runtime.core.trial import Trial


class Watcher(Protocol):
    """Called from the experiment's thread, which it must not hold up."""

    def changed(self, trial: Trial) -> None:
        """The trial has a new state, or has reported."""

    def failed(self, trial: Trial, failure: Failure) -> None:
        """The trial failed."""

    def note(self, text: str) -> None:
        """Tell the user `text`."""
