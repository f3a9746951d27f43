"""A running trial: its job, its process and its reports, and the limits that it must keep."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass

from runtime.core.metrics import MetricsFile
from runtime.executors.base import Job
from runtime.executors.local.memory import memory_used
from runtime.executors.local.process import Process
from runtime.system.units import size

_MAX_OUTPUT = 1 << 30  # bytes that a trial may write to stdout, and as many to stderr


@dataclass(slots=True)
class RunningTrial:
    """A trial from the start of its process until its leftovers are killed.

    kill_at: when to kill what still runs, in monotonic seconds; None for not yet.
    cause: why the executor killed the trial, if it did.
    batch_handled: read no more reports until it is set.
    """

    job: Job
    process: Process
    metrics: MetricsFile
    kill_at: float | None = None
    cause: str | None = None
    batch_handled: threading.Event | None = None

    @classmethod
    def of(cls, job: Job, process: Process) -> RunningTrial:
        return cls(job, process, MetricsFile(job.folder.metrics))

    def exceeded_limit(self) -> str | None:
        """Which limit the trial exceeded, as a reason for its end; None if it exceeded none."""
        job, pid = self.job, self.process.pid
        if job.memory is not None and pid and memory_used(pid, job.memory) > job.memory:
            return f"used more than --memory {size(job.memory)}"
        for file in (job.folder.stdout, job.folder.stderr):
            with contextlib.suppress(OSError):  # not created yet, or deleted
                if file.stat().st_size > _MAX_OUTPUT:
                    return f"wrote more than {size(_MAX_OUTPUT)} to {file.name}"
        return None
