"""A running trial: its task, its process, and the limits that it must keep."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

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
    has_more: whether more reports are to be read, although the trial may write none.
    is_quiet: whether it has no limit of memory, and printed nothing between two measurements.
    """

    task: Task
    process: Process
    kill_at: float | None = None
    cause: str | None = None
    has_more: bool = False
    is_quiet: bool = False
    _printed: set[int] = field(default_factory=set)  # bytes on each of its two streams

    def exceeded_limit(self) -> str | None:
        """Which limit the trial exceeded, as a reason for its end; None if it exceeded none."""
        task, pid = self.task, self.process.pid
        if task.memory is not None and pid and memory_used(pid, task.memory) > task.memory:
            return f"used more than --memory {size(task.memory)}"
        sizes = {_size(file): os.path.basename(file) for file in (task.stderr, task.stdout)}
        self.is_quiet = task.memory is None and sizes.keys() == self._printed
        self._printed = set(sizes)
        most = max(sizes)
        if most > _MAX_OUTPUT:
            return f"wrote more than {size(_MAX_OUTPUT)} to {sizes[most]}"
        return None


def _size(file: str) -> int:
    try:
        return os.stat(file).st_size
    except OSError:  # not created yet, or deleted
        return 0
