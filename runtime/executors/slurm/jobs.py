"""The jobs of one experiment, as far as they are known."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from runtime.executors.remote.machine import Machine
from runtime.executors.slurm.commands import Status

_MARGIN = 10.0  # seconds that a pilot needs beyond its trials

_CAUSES = {
    "CANCELLED": "{} was cancelled",
    "PREEMPTED": "{} was pre-empted",
    "TIMEOUT": "{} reached its time limit",
    "DEADLINE": "{} reached its deadline",
    "NODE_FAIL": "the node of {} failed",
    "OUT_OF_MEMORY": "{} ran out of memory",
    "": "Slurm no longer knows job {}",
}


@dataclass(slots=True)
class SlurmJob:
    """A job; times are monotonic seconds.

    `machine` exists once it runs. `ends_at` is when its time limit ends, and `length` how many
    seconds it had. `given` is whether it has got a trial, `retired` whether it was told to end,
    `absent` how often in a row Slurm did not list it.
    """

    id: str
    status: Status
    machine: Machine | None = None
    ends_at: float | None = None
    length: float = 0.0
    given: bool = False
    retired: bool = False
    absent: int = 0

    @property
    def takes_trials(self) -> bool:
        """Whether it may get a trial, now or once it runs."""
        return not (self.retired or (self.machine is not None and self.machine.draining))

    def update(self, status: Status) -> None:
        """Take what squeue says."""
        self.status, self.absent = status, 0
        if status.is_running and status.left is not None:
            self.ends_at = time.monotonic() + status.left
            self.length = max(self.length, status.left)

    def cause(self) -> str:
        """Why its trials ended with it."""
        name = self.id if not self.status.state else f"Slurm job {self.id}"
        return _CAUSES.get(self.status.state, f"{{}} ended ({self.status.state})").format(name)


class Durations:
    """How long the last trials took, in seconds."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=20)

    def add(self, seconds: float) -> None:
        self._last.append(seconds)

    def fits(self, job: SlurmJob) -> bool:
        """Whether one more trial is likely to end before the job's time limit."""
        if job.ends_at is None:
            return True
        needs = _MARGIN + 1.5 * max(self._last, default=0.0)
        return job.ends_at - time.monotonic() >= min(needs, job.length / 2)
