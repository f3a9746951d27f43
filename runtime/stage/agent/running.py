"""A running trial: its task, its process, and the limits that it must keep."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from runtime.stage.agent.memory import memory_used
from runtime.stage.agent.process import Process
from runtime.stage.agent.sizes import size
from runtime.stage.agent.task import Task

_MAX_OUTPUT = 1 << 30  # bytes that a trial may write to stdout, and as many to stderr


@dataclass
class RunningTrial:
    """A trial from the start of its process until its leftovers are killed.

    kill_at: when to kill what still runs, in monotonic seconds; None for not yet.
    cause: why the runner killed the trial, if it did.
    """

    task: Task
    process: Process
    kill_at: float | None = None
    cause: str | None = None

    def exceeded_limit(self) -> str | None:
        """Which limit the trial exceeded, as a reason for its end; None if it exceeded none."""
        task, pid = self.task, self.process.pid
        if task.memory is not None and pid and memory_used(pid, task.memory) > task.memory:
            return f"used more than --memory {size(task.memory)}"
        for file in (task.stdout, task.stderr):
            with contextlib.suppress(OSError):  # not created yet, or deleted
                if os.stat(file).st_size > _MAX_OUTPUT:
                    return f"wrote more than {size(_MAX_OUTPUT)} to {os.path.basename(file)}"
        return None
