"""Signals to the driver: the first stops the experiment, the second stops it at once."""

from __future__ import annotations

import signal
from types import FrameType

from runtime.loop.experiment import Experiment

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Handles signals within its `with` block.

    The first signal lets the running trials end, to run again when the experiment resumes. The
    second kills them. A `detached` driver ignores SIGHUP, so it outlives its terminal.
    """

    def __init__(self, experiment: Experiment, *, detached: bool) -> None:
        self._experiment = experiment
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
        self._experiment.interrupt(at_once=self._count > 1)
