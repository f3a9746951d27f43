"""The gate that each trial passes before it starts: it gets a GPU lease, or a reason to wait."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol

import psutil

from runtime.core.config import Config
from runtime.core.failures import Failure
from runtime.core.options import AUTO
from runtime.core.trial import GpuUse, Trial, TrialState
from runtime.gpus.leases import Lease, Leases
from runtime.gpus.opening import Gpus
from runtime.gpus.packing import out_of_memory
from runtime.gpus.polling import NewView, Poller
from runtime.gpus.waiting import Key, Wait
from runtime.gpus.world import NOTHING
from runtime.loop.trials import Trials

_START = 120.0  # seconds; a trial that fails sooner, without a report, failed at its start
_MOST_FAULTS = 3  # GPUs lost under one trial; after more, the trial may be the cause
_PATIENCE = 3.0  # seconds that a trial may wait before the user is told
_KEEP = 10.0  # seconds between two writes of values that keep changing


@dataclass(slots=True)
class _Waiting:
    """A waiting trial, in monotonic seconds.

    `began` is when it began to wait, `since` when the current reason began, and `stored` when
    its waiting was last stored.
    """

    began: float
    since: float
    stored: float
    wait: Wait


class Gate(Protocol):
    """Lets trials start, and follows each one until it has ended."""

    def take(self, trial: int) -> Mapping[str, str] | None:
        """The environment that the trial starts with, or None if it has to wait."""

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
    note: Callable[[str], None],
    post: Callable[[NewView], None],
) -> Gate:
    """Posts views of the GPUs to `post` and passes messages for the user to `note`."""
    if gpus is None:
        return _Open(NOTHING if config.gpus == 0 else {})
    return _Gate(gpus, config, experiment, trials, note, post)


class _Open:
    """Leases nothing, so no trial waits."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def take(self, trial: int) -> Mapping[str, str] | None:
        return self._environment

    def take_view(self, message: NewView) -> None:
        pass

    def started(self, trial: int, pid: int) -> None:
        pass

    def ended(self, trial: Trial, failure: Failure | None) -> bool:
        return False

    def slots(self, config: Config) -> int:
        return config.concurrency if isinstance(config.concurrency, int) else cores()

    def close(self) -> None:
        pass


@cache  # it takes a millisecond, and the loop asks with each event
def cores() -> int:
    """How many physical CPU cores this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(psutil.cpu_count(logical=False) or 1, allowed or 1))


class _Gate:
    def __init__(
        self,
        gpus: Gpus,
        config: Config,
        experiment: str,
        trials: Trials,
        note: Callable[[str], None],
        post: Callable[[NewView], None],
    ) -> None:
        self._poller = Poller(gpus.nvml, post)
        self._leases = Leases(
            config, gpus.world, gpus.view, gpus.locks, experiment, self._poller.request
        )
        self._auto = config.concurrency == AUTO
        self._trials = trials
        self._note = note
        self._unused: dict[Key, float] = {}  # why a GPU is unused, and since when
        self._waiting: dict[int, _Waiting] = {}
        self._tried: set[int] = set()  # trials tried since the last view
        self._running: dict[int, float] = {}  # when each trial's use was last stored
        self._faults: Counter[int] = Counter()  # lost GPUs, by trial
        self._said: set[object] = set()
        for device in gpus.world.silent:
            note(f"GPU {device.label} {device.trouble}: this driver continues without it")

    def take(self, trial: int) -> Mapping[str, str] | None:
        if trial in self._tried:
            return None
        self._tried.add(trial)
        before = self._before(trial)
        answer = self._leases.take(trial, before)
        self._poller.watching = True
        if isinstance(answer, Wait):
            self._on_wait(trial, answer)
            return None
        self._on_lease(trial, answer, before)
        return answer.environment

    def _before(self, trial: int) -> GpuUse:
        """The trial's use of GPUs and its waiting time so far, without a lease."""
        had, waiting = self._trials[trial].gpu or GpuUse(), self._waiting.get(trial)
        use = GpuUse(seconds=had.seconds, waited=had.waited, waited_for=had.waited_for)
        if waiting is None or not waiting.wait.blocks:
            return use
        waited = round(had.waited + time.monotonic() - waiting.began, 3)
        texts = tuple(str(block) for block in waiting.wait.blocks)
        return replace(use, waited=waited, waited_for=texts)

    def _on_lease(self, trial: int, lease: Lease, before: GpuUse) -> None:
        self._waiting.pop(trial, None)
        self._running[trial] = time.monotonic()
        self._trials.set_wait(trial, None, replace(before, gpus=lease.gpus))

    def _on_wait(self, trial: int, wait: Wait) -> None:
        now = time.monotonic()
        waiting = self._waiting.setdefault(trial, _Waiting(now, now, -_KEEP, wait))
        if not wait.blocks:
            return  # it waits only for the next view of the GPUs
        changed = wait.key != waiting.wait.key or now - waiting.stored >= _KEEP
        if changed and (str(wait) != self._trials[trial].reason):
            waiting.stored = now
            before = self._trials[trial].gpu or GpuUse()
            blocks = tuple(block.to_json() for block in wait.blocks)
            self._trials.set_wait(trial, str(wait), replace(before, waits=blocks))
        if wait.reason != waiting.wait.reason:
            waiting.since = now
        waiting.wait = wait
        if now - waiting.since >= _PATIENCE:
            self._report(trial, wait)

    def _report(self, trial: int, wait: Wait) -> None:
        """Report each reason once, whichever trial is waiting."""
        if wait.reason not in self._said:
            self._said.add(wait.reason)
            self._note(f"trial {trial} {wait}")

    def take_view(self, message: NewView) -> None:
        self._forget()
        self._tried.clear()
        for text in self._leases.update(message.view):
            self._note(text)
        for trial in self._running:
            self._keep_use(trial)
            if self._trials[trial].reports:
                self._leases.worked(trial)
        self._poller.watching = bool(self._running or self._waiting)
        if not self._waiting:
            self._said.clear()
        if self._auto:
            self._report_unused()

    def _forget(self) -> None:
        """Drop trials that were not tried since the last view: killed, or without a slot."""
        for trial in [t for t in self._waiting if t not in self._tried]:
            before = self._before(trial)
            del self._waiting[trial]
            self._leases.give_back(trial)
            if self._trials[trial].state is TrialState.WAITING:
                self._trials.set_wait(trial, None, before)

    def _report_unused(self) -> None:
        """Report why GPUs stay unused: with --concurrency auto, no trial waits for them."""
        now = time.monotonic()
        unused = {block.key: block for block in self._leases.unused()}
        self._unused = {key: self._unused.get(key, now) for key in unused}
        for key, since in self._unused.items():
            if now - since >= _PATIENCE:
                self._unused[key] = math.inf
                self._note(f"GPU {unused[key].gpu} is unused: {unused[key]}")

    def _keep_use(self, trial: int) -> None:
        use, now = self._leases.use(trial), time.monotonic()
        if use is not None:
            keep = now - self._running[trial] >= _KEEP
            self._running[trial] = now if keep else self._running[trial]
            self._trials.set_gpu_use(trial, use, keep=keep)

    def started(self, trial: int, pid: int) -> None:
        self._leases.started(trial, pid)

    def ended(self, trial: Trial, failure: Failure | None) -> bool:
        number = trial.number
        use = self._leases.use(number)
        if use is not None:
            self._trials.set_gpu_use(number, replace(use, memory=None), keep=True)
        reruns = self._judge(trial, failure)
        self._leases.give_back(number)
        self._running.pop(number, None)
        for text in self._leases.take_messages():
            self._note(text)
        return reruns

    def _judge(self, trial: Trial, failure: Failure | None) -> bool:
        number = trial.number
        if failure is None:
            if trial.state is TrialState.SUCCEEDED or trial.reports:
                self._leases.worked(number)
            return False
        fault = self._leases.fault(number)
        if fault is not None and self._faults[number] < _MOST_FAULTS:
            self._faults[number] += 1
            self._note(f"trial {number} was interrupted because {fault}; it will run again")
            return True
        if out_of_memory(failure.text):
            beside = self._leases.crowded(number)
            if beside is not None:
                self._note(
                    f"trial {number} ran out of GPU memory {beside}: it will run again, alone"
                )
                return True
        elif not trial.reports and (trial.seconds(time.time()) or 0.0) < _START:
            self._leases.failed(number, failure.kind)
        return False

    def slots(self, config: Config) -> int:
        self._auto = config.concurrency == AUTO  # a request may change it
        return config.concurrency if isinstance(config.concurrency, int) else self._leases.room

    def close(self) -> None:
        for trial in self._waiting:
            if self._trials[trial].state is TrialState.WAITING:
                self._trials.set_wait(trial, None, self._before(trial))
        self._poller.close()
        self._leases.close()
