"""What became of a trial that has ended, and of an experiment whose first trials all fail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from runtime.core.failures import Failure, failure_of
from runtime.core.paths import TrialFolder
from runtime.core.trial import Trial, TrialState
from runtime.executors.base import Ended
from runtime.loop.limits import Running


def outcome(
    trial: Trial, ended: Ended, running: Running, folder: TrialFolder
) -> tuple[Trial, Failure | None]:
    """The trial as it ended, and why it failed where it did."""
    trial = replace(trial, ended=ended.time)
    if running.ends_as is not None:
        state, reason = running.ends_as
        failure = Failure(reason, "") if state is TrialState.FAILED else None
        return replace(trial, state=state, reason=reason), failure
    failure = failure_of(trial, ended.code, folder, ended.cause)
    if failure is not None:
        return replace(trial, state=TrialState.FAILED, reason=failure.reason), failure
    trial = replace(trial, state=TrialState.SUCCEEDED, reason=None)
    if not trial.ranks:
        trial = replace(trial, reason=f"its final result is {trial.metric}")
    return trial, None


class FirstFailures:
    """Counts the trials that fail before the first one that does not."""

    def __init__(self, trials: Iterable[Trial], most: int) -> None:
        states = [trial.state for trial in trials if trial.state.ended]
        self._most = most
        self._all = all(state is TrialState.FAILED for state in states)
        self._count = len(states)

    def ended(self, trial: Trial) -> str | None:
        """Take a trial that has ended; why the experiment is to stop, where it is."""
        if trial.state is not TrialState.FAILED:
            self._all = self._all and not trial.state.ended
            return None
        self._count += 1
        if not self._all or self._count < self._most:
            return None
        return (
            "the first trial failed"
            if self._count == 1
            else f"the first {self._count} trials failed"
        )
