"""The jobs of one experiment, as far as they are known."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass, field

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

    `machine` exists once it runs. `used` has its trials by slot. `ends_at` is when Slurm will end
    it, and `length` how many seconds before that it was ready. `submitted` is when it was, until it
    is ready; None for a job of an earlier driver. `given` is whether it has got a trial, `retired`
    whether it was told to end, `absent` how often in a row Slurm did not list it.
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
    used: dict[int, int] = field(default_factory=dict)

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

    def take(self, trial: int, slot: int | None = None) -> int:
        """Give a slot to a trial: the first that is free, or the one that it has."""
        if slot is None:
            slot = next(n for n in itertools.count() if self.used.get(n, trial) == trial)
        self.used[slot] = trial
        return slot

    def give_back(self, trial: int) -> None:
        """The trial has ended."""
        self.used = {slot: each for slot, each in self.used.items() if each != trial}

    def gpus_of(self, slot: int, slots: int) -> str | None:
        """The value of CUDA_VISIBLE_DEVICES for a slot of several; None to leave it as it is.

        The slots share the GPUs of the job evenly. With fewer GPUs than slots, some share one.
        """
        text = None if self.machine is None else self.machine.facts.get("devices")
        if not text or slots < 2:
            return None
        devices = str(text).split(",")
        return ",".join(devices[slot::slots]) or devices[slot % len(devices)]

    def cause(self) -> str:
        """Why its trials ended with it."""
        name = self.id if not self.status.state else f"Slurm job {self.id}"
        return _CAUSES.get(self.status.state, f"{{}} ended ({self.status.state})").format(name)
