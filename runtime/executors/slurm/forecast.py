"""How long trials will take and jobs will wait, judged by the last ones; when to renew a pilot."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from runtime.executors.slurm.jobs import SlurmJob

_MARGIN = 10.0  # seconds that a pilot needs beyond its trials
_RESERVE = 1.25  # a trial may take that much longer than expected
_MOST = 0.9  # of a pilot's time: what needs more does not fit a new one either
_START = 5.0  # seconds that the next pilot needs beyond the time in the queue
_WAITS = 1.5  # the next pilot may wait that much longer than the last ones


@dataclass(frozen=True, slots=True)
class Pilot:
    """A job and the trials that run in it; `is_full` if it has room for no more."""

    job: SlurmJob
    trials: Sequence[int]
    is_full: bool


class Forecast:
    """All times are seconds."""

    def __init__(self) -> None:
        self._lasted: deque[float] = deque(maxlen=20)
        self._waited: deque[float] = deque(maxlen=5)
        self._began: dict[int, float] = {}  # when each running trial did, monotonic

    def begin(self, trial: int) -> None:
        """A trial starts."""
        self._began[trial] = time.monotonic()

    def end(self, trial: int) -> None:
        """A trial ended, or was cut off: it needs at least the time that it ran."""
        if trial in self._began:
            self._lasted.append(self._ran(trial))
            del self._began[trial]

    def add_wait(self, seconds: float) -> None:
        """A job took so long from its submission until it was ready."""
        self._waited.append(seconds)

    def fits(self, job: SlurmJob) -> bool:
        """Whether one more trial is likely to end before the job does."""
        return _left(job) >= self._needs(job)

    def is_due(self, pilot: Pilot, *, waiting: bool) -> bool:
        """Whether another job should be submitted in place of this one.

        By the time that the other is ready, this one has room and too little time. One without a
        trial yet is kept until a trial waits that it has no time for, and always until it is ready:
        the next would have no more time.
        """
        job, lead = pilot.job, _START + _WAITS * max(self._waited, default=0.0)
        if not job.given:
            return waiting and math.isfinite(job.length) and not self.fits(job)
        free = self._until_free(pilot)
        needed = min(self._needs(job) + max(lead, free), _MOST * job.length)
        return free <= lead and _left(job) < needed

    def to_drain(self, pilots: Sequence[Pilot], wanted: int, *, waiting: bool) -> list[SlurmJob]:
        """Pilots that get no more trials.

        Their time is too short for one, or they are due and there are `wanted` others.
        """
        due = [pilot.job for pilot in pilots if self.is_due(pilot, waiting=waiting)]
        ready = sum(pilot.job.is_ready and pilot.job not in due for pilot in pilots)
        surplus = sorted(due, key=_left)[: max(0, len(due) + ready - wanted)]
        doubtful = [pilot.job for pilot in pilots if pilot.job.given or pilot.job in due]
        return [job for job in doubtful if job in surplus or not self.fits(job)]

    def had_most(self, trial: int, job: SlurmJob) -> bool:
        """Whether the running trial has had most of the job's time."""
        return trial not in self._began or self._ran(trial) >= _MOST * job.length

    def _needs(self, job: SlurmJob) -> float:
        return min(_MARGIN + _RESERVE * self._expected(), _MOST * job.length)

    def _expected(self) -> float:
        """How long a trial takes: as the longest, but one in twenty may be an exception."""
        times = sorted([0.0, *self._lasted, *map(self._ran, self._began)])
        return times[-1 - len(times) // 20]

    def _until_free(self, pilot: Pilot) -> float:
        """How long it takes until the pilot has room; unknown before the first trial ended."""
        if not pilot.is_full:
            return 0.0
        if not self._lasted:
            return math.inf
        longest = max(self._ran(trial) for trial in pilot.trials)
        return max(0.0, max(self._lasted) - longest)

    def _ran(self, trial: int) -> float:
        now = time.monotonic()
        return now - self._began.get(trial, now)


def _left(job: SlurmJob) -> float:
    return math.inf if job.ends_at is None else job.ends_at - time.monotonic()
