"""The jobs of one experiment, as far as they are known."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from runtime.executors.remote.machine import Machine
from runtime.executors.slurm.commands import Status

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

    `machine` exists once it runs. `ends_at` is when Slurm will end it, and `length` how many
    seconds before that it was ready. `submitted` is when it was, until it is ready; None for a job
    of an earlier driver. `given` is whether it has got a trial, `retired` whether it was told to
    end, `absent` how often in a row Slurm did not list it.
    """

    id: str
    status: Status
    machine: Machine | None = None
    ends_at: float | None = None
    length: float = math.inf
    submitted: float | None = None
    given: bool = False
    retired: bool = False
    absent: int = 0

    @property
    def takes_trials(self) -> bool:
        """Whether it may get a trial, now or once it runs."""
        return not (self.retired or (self.machine is not None and self.machine.draining))

    @property
    def is_ready(self) -> bool:
        """Whether a trial that it gets starts at once."""
        return self.machine is not None and self.machine.ready

    def update(self, status: Status) -> None:
        """Take what squeue says."""
        self.status, self.absent = status, 0
        if status.is_running and status.ends is not None:
            self.ends_at = time.monotonic() + status.ends - time.time()
        self.measure()

    def measure(self) -> None:
        """Note how much time it has, once it is ready."""
        if self.is_ready and self.ends_at is not None and self.length == math.inf:
            self.length = self.ends_at - time.monotonic()

    def cause(self) -> str:
        """Why its trials ended with it."""
        name = self.id if not self.status.state else f"Slurm job {self.id}"
        return _CAUSES.get(self.status.state, f"{{}} ended ({self.status.state})").format(name)
