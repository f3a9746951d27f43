"""What happens before a trial's process runs, and when it starts."""

from __future__ import annotations

from collections.abc import Mapping

from runtime.core.trial import TrialState
from runtime.executors.base import Started, Waiting
from runtime.loop.gate import Gate
from runtime.loop.limits import Running
from runtime.loop.trials import Trials


def record(
    message: Waiting | Started, trials: Trials, gate: Gate, running: Mapping[int, Running]
) -> None:
    """Store that a trial has started, or why it still waits for a machine."""
    number = message.trial
    if isinstance(message, Started):
        running[number].begin(message.time)
        trials.started(number, message.time, message.place)
        gate.started(number, message.pid)
    elif trials[number].state is TrialState.WAITING and number in running:
        trials.set_wait(number, message.why, trials[number].gpu)
