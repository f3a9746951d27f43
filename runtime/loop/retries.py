"""Retry policy: always rerun interrupted trials; rerun failed ones up to `--retries` times.

A trial is interrupted when its fork server dies, its machine is lost or the disk fills up. A fourth
interruption counts as a failure, because the trial itself may be the cause, unless somebody ended
it on purpose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from runtime.core.failures import Failure
from runtime.core.trial import Trial, TrialState
from runtime.executors.base import Ended

_MAX_INTERRUPTIONS = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a trial reruns, as a sentence; `is_failure` if the last run counts as failed."""

    text: str
    is_failure: bool


class RetryPolicy:
    """Counts the interruptions of each trial since this driver started.

    `disk_is_full` explains failures that are not the trial's fault.
    """

    def __init__(self, retries: int, disk_is_full: Callable[[], bool]) -> None:
        self._retries = retries
        self._disk_is_full = disk_is_full
        self._interruptions: Counter[int] = Counter()

    def reason_to_rerun(self, trial: Trial, failure: Failure | None, ended: Ended) -> Reason | None:
        """Why the trial, which has just ended, should run again; None if it should not."""
        if trial.state is not TrialState.FAILED or failure is None:
            return None
        cause = self._interruption(ended)
        if cause is not None and self._interruptions[trial.number] < _MAX_INTERRUPTIONS:
            self._interruptions[trial.number] += not ended.cancelled
            text = f"trial {trial.number} was interrupted because {cause}; it will run again"
            return Reason(text, is_failure=False)
        if trial.retries >= self._retries:
            return None
        count = f"retry {trial.retries + 1} of {self._retries}"
        text = f"trial {trial.number} failed and will run again ({count}): {failure.reason}"
        return Reason(text, is_failure=True)

    def _interruption(self, ended: Ended) -> str | None:
        if ended.lost:
            return ended.cause or "its fork server ended"
        return "the disk is full" if self._disk_is_full() else None
