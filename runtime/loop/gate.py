"""The gate that each trial passes before it starts: it gets a GPU lease, or a reason to wait."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Protocol

import psutil

from runtime.core.config import Config
from runtime.core.failures import Failure
from runtime.core.trial import Trial
from runtime.executors.base import Executor, NewView
from runtime.gpus.leases import Lease
from runtime.gpus.opening import Gpus
from runtime.gpus.world import NOTHING
from runtime.loop.gpu_gate import GpuGate
from runtime.loop.gpu_site import local_site
from runtime.loop.trials import Trials


class Gate(Protocol):
    """Lets trials start, and follows each one until it has ended."""

    def take(self, trial: int) -> Lease | None:
        """What the trial starts with, or None if it has to wait."""

    def adopt(self, trial: Trial) -> None:
        """The trial runs already: an earlier driver let it start."""

    def take_view(self, message: NewView) -> None: ...
    def started(self, trial: int, pid: int) -> None: ...
    def ended(self, trial: Trial, failure: Failure | None) -> bool:
        """Whether the trial should rerun, because the GPU or its neighbours made it fail."""

    def slots(self, config: Config) -> int:
        """How many trials may run at a time."""

    def close(self) -> None: ...


def gate(
    gpus: Gpus | None,
    config: Config,
    experiment: str,
    trials: Trials,
    executor: Executor,
    note: Callable[[str], None],
    post: Callable[[NewView], None],
) -> Gate:
    """`gpus` are those of this machine that trials lease; `executor` knows those of others.

    Posts views of the GPUs to `post` and passes messages for the user to `note`.
    """
    if not config.leases_gpus:
        return _Open(NOTHING if config.gpus == 0 else {}, executor)
    gate = GpuGate(config, experiment, trials, executor, note)
    if gpus is not None:
        gate.add(local_site(gpus, config, experiment, note, post))
    return gate


class _Open:
    """Leases nothing, so no trial waits."""

    def __init__(self, environment: Mapping[str, str], executor: Executor) -> None:
        self._lease = Lease((), dict(environment), ())
        self._executor = executor

    def take(self, trial: int) -> Lease | None:
        return self._lease

    def adopt(self, trial: Trial) -> None:
        pass

    def take_view(self, message: NewView) -> None:
        pass

    def started(self, trial: int, pid: int) -> None:
        pass

    def ended(self, trial: Trial, failure: Failure | None) -> bool:
        return False

    def slots(self, config: Config) -> int:
        if isinstance(config.concurrency, int):
            return config.concurrency
        return self._executor.room or cores()

    def close(self) -> None:
        pass


@cache  # it takes a millisecond, and the loop asks with each event
def cores() -> int:
    """How many physical CPU cores this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(psutil.cpu_count(logical=False) or 1, allowed or 1))
