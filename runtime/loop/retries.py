"""Which trials run again: those that were cut off, and, if asked for, those that failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from runtime.core.failures import Failure
from runtime.core.trial import Trial, TrialState
from runtime.executors.base import Ended

_MOST_LOSSES = 3  # a trial that was cut off more often may be what does it


@dataclass(frozen=True, slots=True)
class Why:
    """A sentence for people, and whether the run that has ended counts as a failure."""

    text: str
    failed: bool


class Again:
    """Remembers how often each trial was cut off since the driver began.

    `short` says whether the disk is full, of which a trial may fail that is all right.
    """

    def __init__(self, retries: int, short: Callable[[], bool]) -> None:
        self._retries = retries
        self._short = short
        self._losses: Counter[int] = Counter()

    def why(self, trial: Trial, failure: Failure | None, end: Ended) -> Why | None:
        """Why the trial, which has just ended, runs again; None where it does not."""
        if trial.state is not TrialState.FAILED or failure is None:
            return None
        cut = self._cut_off(end)
        if cut is not None and self._losses[trial.number] < _MOST_LOSSES:
            self._losses[trial.number] += 1
            return Why(f"trial {trial.number} was cut off, as {cut}; it runs again", failed=False)
        if trial.retries >= self._retries:
            return None
        count = f"retry {trial.retries + 1} of {self._retries}"
        text = f"trial {trial.number} failed and runs again ({count}): {failure.reason}"
        return Why(text, failed=True)

    def _cut_off(self, end: Ended) -> str | None:
        if end.lost:
            return "the process that it was forked from ended"
        return "the disk is full" if self._short() else None
