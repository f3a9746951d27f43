"""Leases GPUs to trials, and says why a trial has to wait for one.

Leasing takes two steps, so that no other program can slip in between: take the GPU's lock, which
excludes other experiments; then read the GPU again, and lease it if it is free. Called from the
experiment's loop; nothing here blocks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from runtime.core.config import Config
from runtime.core.trial import GpuUse
from runtime.gpus.health import Health
from runtime.gpus.locks import Lock, Locks
from runtime.gpus.packing import Packing
from runtime.gpus.sampling import SharedGpu, Usage, unclaimed
from runtime.gpus.waiting import Block, Busy, Wait, leased
from runtime.gpus.world import World
from runtime.stage.agent.gpus.desk import user
from runtime.stage.agent.gpus.device import PROHIBITED, Device, View, size
from runtime.stage.agent.gpus.locks import AlreadyHeld, Holder

_SLOW = 2.0  # seconds without an answer from a GPU before the user is told
GUESSED = (
    "NVML does not report memory by process (a container, WSL?): the increase since a GPU's trials "
    "started is divided equally among them"
)
_REMEMBERED = 60.0  # seconds for which processes of an ended trial are still attributed to it


@dataclass(frozen=True, slots=True)
class Lease:
    """The labels of a trial's GPUs, and the environment that makes only these visible to it.

    `machine` has them, by `uuids`.
    """

    gpus: tuple[str, ...]
    environment: dict[str, str]
    uuids: tuple[str, ...]
    machine: str = ""


#: That of a trial that leases nothing.
NO_LEASE = Lease((), {}, ())


@dataclass(slots=True)
class _Held:
    """A GPU whose lock we hold, since `since` (seconds since the epoch).

    `before` is its unclaimed memory in bytes before any of our trials ran there.
    """

    lock: Lock
    since: float
    before: int = 0
    trials: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Run:
    """A trial that holds the locks of its GPUs, since `locked` (monotonic seconds).

    `usage` is None until the lease is granted. `shared` is the highest number of trials, this one
    included, that were on one of its GPUs.
    """

    uuids: tuple[str, ...]
    locked: float
    usage: Usage | None = None
    pid: int = 0
    shared: int = 1
    rerun_alone: bool = False


class Leases:
    """The leases of one experiment on one machine, whose name is "" for this one.

    `request_view` requests a new view of the GPUs, which is later passed to `update`.
    """

    def __init__(
        self,
        config: Config,
        world: World,
        view: View,
        locks: Locks,
        experiment: str,
        request_view: Callable[[], None],
        machine: str = "",
    ) -> None:
        self._of = f" of {machine}" if machine else ""
        self._machine = machine
        self._asked = config.gpus or 0
        self._share_active = config.use_active_gpu
        self._world = world
        self._locks = locks
        self._request_view = request_view
        self._experiment = experiment
        self._labels = {d.uuid: d.label for d in view.devices if d.uuid in world.names}
        self._packing = Packing(config.trials_per_gpu)
        self._health = Health(self._labels, of=self._of)
        self._busy = Busy()
        self._held: dict[str, _Held] = {}
        self._runs: dict[int, _Run] = {}
        self._alone: set[int] = set()  # trials that must not share a GPU
        self._ended: dict[int, float] = {}  # when the trial with this process ID ended
        self._guessed = False
        self._messages: list[str] = []
        self.update(view)

    def update(self, view: View) -> list[str]:
        """Take a new view; returns messages for the user."""
        self._view = view
        self._devices = {device.uuid: device for device in view.devices}
        self._health.check(view)
        self._forget()
        for run in self._runs.values():
            if run.usage is not None and run.pid:
                self._sample(run.usage, run.pid)
        for held in self._held.values():
            held.lock.sign(self._holder(held))
        return self.take_messages()

    def adopt(self, trial: int, uuids: Sequence[str], before: GpuUse | None) -> None:
        """Take the lease of a trial that an earlier driver started; `before` as in `take`."""
        present = [uuid for uuid in self._world.names if uuid in uuids]
        leased = tuple(uuid for uuid in present if self._lock(uuid) is None)
        labels = tuple(self._labels[uuid] for uuid in leased)
        self._runs[trial] = _Run(leased, time.monotonic(), Usage(leased, labels, before))
        for uuid in leased:
            self._held[uuid].trials.append(trial)
        self._count_shared(leased)

    def _sample(self, usage: Usage, pid: int) -> None:
        held = {uuid: self._held[uuid] for uuid in usage.uuids}
        shared = {uuid: SharedGpu(len(gpu.trials), gpu.before) for uuid, gpu in held.items()}
        usage.sample(self._devices, pid, shared)
        if usage.guessed and not self._guessed:
            self._guessed = True
            self._messages.append(GUESSED)

    def take_messages(self) -> list[str]:
        """Messages for the user since the last call."""
        messages, self._messages = self._messages, []
        return [*messages, *self._health.take_messages()]

    # Taking

    def take(self, trial: int, before: GpuUse | None = None) -> Lease | Wait:
        """GPUs for the trial, or why it has to wait; then call again after the next view.

        `before` is the trial's use of GPUs in earlier runs.
        """
        answer = self._take(trial, before)
        return answer if isinstance(answer, Lease) else answer.on(self._machine)

    def _take(self, trial: int, before: GpuUse | None) -> Lease | Wait:
        run = self._runs.get(trial)
        if run is None:
            return self._claim(trial)
        if self._view.trouble:
            self._release(trial)
            return self._unreadable()
        if any(self._held[uuid].lock.lost_to() for uuid in run.uuids):
            self._release(trial)
            return self._claim(trial)
        blocks = [block for uuid in run.uuids if (block := self._block(uuid))]
        stale = [u for u in run.uuids if not blocks and self._devices[u].read < run.locked]
        if stale:
            return Wait(self._asked, tuple(self._slow(stale, run.locked)))
        if blocks:
            self._release(trial)
            return Wait(self._asked, tuple(blocks))
        for uuid in run.uuids:
            if not self._pids(uuid):
                self._held[uuid].before = unclaimed(self._devices[uuid])
        labels = tuple(self._labels[uuid] for uuid in run.uuids)
        run.usage = Usage(run.uuids, labels, before)
        return Lease(labels, self._world.environment(run.uuids), run.uuids, self._machine)

    def _claim(self, trial: int) -> Wait:
        """Take the locks of enough GPUs, or of none, and request a new view of them."""
        if self._view.trouble:
            return self._unreadable()
        chosen: list[str] = []
        blocks: list[Block] = []
        for uuid in sorted(self._world.names, key=self._preference):
            # The lock first: its holder says more about itself than its processes do.
            block = self._block_by_trials(uuid, trial) or self._lock(uuid) or self._block(uuid)
            if block is not None:
                blocks.append(block)
                self._unlock(uuid)
                continue
            chosen.append(uuid)
            if len(chosen) == self._asked:
                return self._claimed(trial, chosen)
        for uuid in chosen:
            self._unlock(uuid)
        return Wait(self._asked, tuple(sorted(blocks, key=lambda block: block.gpu)))

    def _slow(self, uuids: Sequence[str], locked: float) -> Iterator[Block]:
        """Reasons for GPUs that have not answered since they were locked, unless that is recent."""
        seconds = time.monotonic() - locked
        for uuid in uuids if seconds > _SLOW else ():
            yield Block("slow", self._labels[uuid], time.time() - seconds)

    def _unreadable(self) -> Wait:
        since = self._busy.since("nvml", "")
        return Wait(self._asked, (Block("nvml", "", since, limit=self._view.trouble),))

    def _claimed(self, trial: int, uuids: Sequence[str]) -> Wait:
        for uuid in uuids:
            held = self._held[uuid]
            held.trials.append(trial)
            held.lock.sign(self._holder(held))
            held.lock.renew()
        # In NVML's order, in which a program numbers the GPUs that it sees.
        order = tuple(uuid for uuid in self._world.names if uuid in uuids)
        self._runs[trial] = _Run(order, time.monotonic())
        self._count_shared(uuids)
        self._request_view()
        return Wait(self._asked)

    def _count_shared(self, uuids: Sequence[str]) -> None:
        for uuid in uuids:
            for trial in self._held[uuid].trials:
                run = self._runs[trial]
                run.shared = max(run.shared, len(self._held[uuid].trials))

    def _preference(self, uuid: str) -> tuple[int, bool, int, bool]:
        """Sort key: fewest failures, then fast to answer, then fewest trials, then no display."""
        device, held = self._devices.get(uuid), self._held.get(uuid)
        slow = device is not None and device.read < self._view.began
        display = device is not None and bool(device.drawn)
        return self._health.failures(uuid), slow, len(held.trials) if held else 0, display

    def _lock(self, uuid: str) -> Block | None:
        if uuid in self._held:
            return None
        try:
            self._held[uuid] = _Held(self._locks.take(uuid), time.time())
        except AlreadyHeld as taken:
            label = self._labels[uuid]
            return leased(label, taken.holder, self._busy.since("leased", label))
        return None

    def _holder(self, held: _Held) -> Holder:
        return Holder(os.getpid(), user(), self._experiment, held.since)

    # Reasons to wait

    def _block_by_trials(self, uuid: str, trial: int) -> Block | None:
        """Why `trial` may not join our trials on the GPU, if there is a reason."""
        held, label = self._held.get(uuid), self._labels[uuid]
        if held is None or not held.trials:
            return None
        names = ", ".join(f"trial {number}" for number in held.trials)
        if trial in self._alone or self._alone.intersection(held.trials):
            return Block("alone", label, held.since, trials=names)
        device = self._devices.get(uuid)
        if device is not None and len(held.trials) >= self._packing.capacity(device):
            reason = self._packing.reason(device)
            return Block("full", label, held.since, trials=names, limit=reason)
        return None

    def _block(self, uuid: str) -> Block | None:
        """Why no trial may start on the GPU, if there is a reason other than our own trials."""
        device, label, held = self._devices.get(uuid), self._labels[uuid], self._held.get(uuid)
        if held is not None and (holder := held.lock.lost_to()) is not None:
            return leased(label, holder, self._busy.since("leased", label))
        if device is None:
            return Block("gone", label, self._busy.since("gone", label))
        if device.trouble:
            since = self._busy.since("trouble", label)
            return Block("trouble", label, since, limit=device.trouble)
        if device.mode == PROHIBITED:
            return Block("mode", label, self._busy.since("mode", label))
        quarantine = self._health.quarantine(uuid)
        if quarantine is not None:
            return Block("quarantined", label, quarantine.since, limit=str(quarantine))
        return None if self._share_active else self._busy.block(device, self._pids(uuid))

    def _pids(self, uuid: str) -> list[int]:
        held = self._held.get(uuid)
        runs = [self._runs.get(trial) for trial in held.trials] if held else []
        return [run.pid for run in runs if run is not None and run.pid]

    def _forget(self) -> None:
        """Forget process IDs, which the system may reuse, and reasons that no longer hold."""
        now = time.monotonic()
        present = {pid for d in self._devices.values() for p in d.processes for pid in p.kin}
        for pid, when in list(self._ended.items()):
            if pid not in present and now - when > _REMEMBERED:
                del self._ended[pid], self._busy.ended[pid]
        if not self._view.trouble:
            self._busy.forget([block for uuid in self._labels if (block := self._block(uuid))])

    # Running trials

    def started(self, trial: int, pid: int) -> None:
        """The trial's processes are `pid`, its descendants, and those in its session."""
        self._runs[trial].pid = pid

    def use(self, trial: int) -> GpuUse | None:
        """The trial's use of GPUs so far; None if it has no lease."""
        run = self._runs.get(trial)
        return run.usage.total if run is not None and run.usage is not None else None

    def worked(self, trial: int) -> None:
        """The trial got past its start."""
        if trial in self._runs:
            self._health.worked(self._runs[trial].uuids)

    def failed(self, trial: int, kind: str) -> None:
        """The trial failed at its start; equal failures have the same `kind`."""
        if trial in self._runs:
            self._health.failed(self._runs[trial].uuids, kind)

    def crowded(self, trial: int) -> str | None:
        """After the trial ran out of GPU memory: who shared a GPU with it; None if it was alone.

        If it was not alone, it is to run again alone, and fewer trials will share a GPU.
        """
        run = self._runs.get(trial)
        if run is None:
            return None
        if run.shared > 1:
            self._packing.lower(run.shared)
            run.rerun_alone = True
            return "beside others"
        if self._share_active or trial in self._alone:
            return None
        guest = next(filter(None, map(self._guest, run.uuids)), None)
        if guest is None:
            return None
        run.rerun_alone = True
        gpu = f"GPU {guest.gpu}{self._of}"
        return f"beside {guest.process_text}, with {size(guest.memory)} of {gpu}"

    def _guest(self, uuid: str) -> Block | None:
        """The visible process of another user or program that computes on the GPU."""
        device = self._devices.get(uuid)
        block = None if device is None else self._busy.block(device, self._pids(uuid))
        return block if block is not None and block.process else None

    def fault(self, trial: int) -> str | None:
        """The current fault of one of the trial's GPUs, if there is one."""
        run = self._runs.get(trial)
        for uuid in run.uuids if run is not None else ():
            device, fault = self._devices.get(uuid), self._health.fault(uuid)
            if device is not None and device.trouble:
                return f"GPU {device.label}{self._of} {device.trouble}"
            if fault is not None:  # it arose during the lease: a faulty GPU is not leased
                return f"GPU {self._labels[uuid]}{self._of} has a fault: {fault}"
        return None

    def give_back(self, trial: int) -> None:
        """Release the GPUs of a trial that ended, or that no longer wants them."""
        run = self._runs.get(trial)
        if run is None:
            return
        if run.usage is not None:
            self._packing.measured(run.usage.most, run.usage.utilisation)
        if run.rerun_alone:
            self._alone.add(trial)
        elif run.usage is not None:
            self._alone.discard(trial)
        if run.pid:
            self._ended[run.pid] = time.monotonic()
            self._busy.ended[run.pid] = trial
        self._release(trial)
        self._request_view()

    def _release(self, trial: int) -> None:
        for uuid in self._runs.pop(trial).uuids:
            self._held[uuid].trials.remove(trial)
            self._unlock(uuid)

    def _unlock(self, uuid: str) -> None:
        """Release the lock if we hold it and no trial needs it."""
        if uuid in self._held and not self._held[uuid].trials:
            self._held.pop(uuid).lock.release()

    def close(self) -> None:
        """Release all locks."""
        for held in self._held.values():
            held.lock.release()
        self._locks.close()

    def unused(self) -> list[Block]:
        """Why GPUs without a trial of ours cannot be used."""
        free = [uuid for uuid in self._labels if uuid not in self._held]
        blocks = [block for uuid in free if (block := self._block(uuid))]
        return list(Wait(self._asked, tuple(blocks)).on(self._machine).blocks)

    @property
    def room(self) -> int:
        """How many trials the usable GPUs can run at a time; at least one."""
        return max(1, sum(self._capacities()) // self._asked)

    def _capacities(self) -> Iterator[int]:
        for uuid in self._labels:
            device: Device | None = self._devices.get(uuid)
            if device is not None and self._block(uuid) is None:
                yield self._packing.capacity(device)
