"""Leases: which trial has which GPUs, and why another one has to wait.

A GPU is leased in two steps, so that nothing can happen between a look and the taking: first its
lock, which no other experiment can have then; after that a look that has begun later, which must
find it free. All this is the loop's; nothing here waits for anything.
"""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from runtime.core.config import Config
from runtime.core.trial import GpuUse
from runtime.gpus.device import PROHIBITED, Device, View, size
from runtime.gpus.health import Health
from runtime.gpus.locks import Holder, Lock, Locks, Taken
from runtime.gpus.packing import Packing
from runtime.gpus.sampling import Sampling, Shared, unclaimed
from runtime.gpus.waiting import Block, Busy, Wait, leased
from runtime.gpus.world import World

_MOMENT = 2.0  # seconds that a look may take before people are told
GUESSED = (
    "NVML does not tell whose memory it is (a container, WSL?): what a GPU has more than before is "
    "taken as its trials', in even shares"
)
_REMEMBERED = 60.0  # seconds that an ended trial's process is still called by that trial's number


@dataclass(frozen=True, slots=True)
class Lease:
    """The GPUs that a trial has, as people number them, and what shows it these alone."""

    gpus: tuple[str, ...]
    environment: dict[str, str]


@dataclass(slots=True)
class _Held:
    """A GPU whose lock is ours; `since` in seconds since the epoch, and `before` the bytes of it
    that were unclaimed when none of our trials ran there."""

    lock: Lock
    since: float
    before: int = 0
    trials: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Run:
    """A trial that has GPUs, or is about to. `asked` (monotonic seconds) is when their locks were
    taken; `sampling` begins with the lease itself."""

    uuids: tuple[str, ...]
    asked: float
    sampling: Sampling | None = None
    pid: int = 0
    shared: int = 1  # trials on one of its GPUs, at most, itself included
    again: bool = False  # it is to run again, alone


class Leases:
    """`look` has a new view made, which comes by `looked`."""

    def __init__(
        self,
        config: Config,
        world: World,
        view: View,
        locks: Locks,
        experiment: str,
        look: Callable[[], None],
    ) -> None:
        self._asked = config.gpus or 0
        self._active = config.use_active_gpu
        self._world = world
        self._locks = locks
        self._look = look
        self._experiment = experiment
        self._labels = {d.uuid: d.label for d in view.devices if d.uuid in world.names}
        self._packing = Packing(config.trials_per_gpu)
        self._health = Health(self._labels)
        self._busy = Busy()
        self._held: dict[str, _Held] = {}
        self._runs: dict[int, _Run] = {}
        self._alone: set[int] = set()
        self._ended: dict[int, float] = {}
        self._guessed = False
        self._news: list[str] = []
        self.looked(view)

    def looked(self, view: View) -> list[str]:
        """Take a new view; returns what people should know."""
        self._view = view
        self._devices = {device.uuid: device for device in view.devices}
        self._health.look(view)
        self._forget()
        for run in self._runs.values():
            if run.sampling is not None and run.pid:
                self._sample(run.sampling, run.pid)
        for held in self._held.values():
            held.lock.sign(self._holder(held))
        return self.news()

    def _sample(self, sampling: Sampling, pid: int) -> None:
        held = {uuid: self._held[uuid] for uuid in sampling.uuids}
        shared = {uuid: Shared(len(it.trials), it.before) for uuid, it in held.items()}
        sampling.sample(self._devices, pid, shared)
        if sampling.guessed and not self._guessed:
            self._guessed = True
            self._news.append(GUESSED)

    def news(self) -> list[str]:
        """What people should know, once."""
        told, self._news = self._news, []
        return [*told, *self._health.news()]

    # Taking

    def take(self, trial: int, before: GpuUse | None = None) -> Lease | Wait:
        """GPUs for the trial, or what is in the way; to be asked again after the next view.

        `before` is what earlier runs of it had.
        """
        run = self._runs.get(trial)
        if run is None:
            return self._claim(trial)
        if self._view.trouble:
            self._release(trial)
            return self._unreadable()
        blocks = [block for uuid in run.uuids if (block := self._standing(uuid))]
        late = [uuid for uuid in run.uuids if not blocks and self._devices[uuid].read < run.asked]
        if late:
            return Wait(self._asked, tuple(self._looking(late, run.asked)))
        if blocks:
            self._release(trial)
            return Wait(self._asked, tuple(blocks))
        for uuid in run.uuids:
            if not self._pids(uuid):
                self._held[uuid].before = unclaimed(self._devices[uuid])
        labels = tuple(self._labels[uuid] for uuid in run.uuids)
        run.sampling = Sampling(run.uuids, labels, before)
        return Lease(labels, self._world.environment(run.uuids))

    def _claim(self, trial: int) -> Wait:
        """Take the locks, all or none, and have a look at what they are on."""
        if self._view.trouble:
            return self._unreadable()
        chosen: list[str] = []
        blocks: list[Block] = []
        for uuid in sorted(self._world.names, key=self._preference):
            # The lock first: whoever has it says more of himself than his processes do.
            block = self._trials_there(uuid, trial) or self._lock(uuid) or self._standing(uuid)
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

    def _looking(self, uuids: Sequence[str], asked: float) -> Iterator[Block]:
        """Reasons, where it is more than a moment."""
        seconds = time.monotonic() - asked
        for uuid in uuids if seconds > _MOMENT else ():
            yield Block("slow", self._labels[uuid], time.time() - seconds)

    def _unreadable(self) -> Wait:
        since = self._busy.since("nvml", "")
        return Wait(self._asked, (Block("nvml", "", since, limit=self._view.trouble),))

    def _claimed(self, trial: int, uuids: Sequence[str]) -> Wait:
        for uuid in uuids:
            held = self._held[uuid]
            held.trials.append(trial)
            held.lock.sign(self._holder(held))
        # In the driver's order, by which a program numbers what it is shown.
        order = tuple(uuid for uuid in self._world.names if uuid in uuids)
        self._runs[trial] = _Run(order, time.monotonic())
        for uuid in uuids:
            for other in self._held[uuid].trials:
                other_run = self._runs[other]
                other_run.shared = max(other_run.shared, len(self._held[uuid].trials))
        self._look()
        return Wait(self._asked)

    def _preference(self, uuid: str) -> tuple[int, bool, int, bool]:
        """Where nothing failed, then what answers at once, then where fewest trials run, then
        where nobody draws."""
        device, held = self._devices.get(uuid), self._held.get(uuid)
        slow = device is not None and device.read < self._view.began
        draws = device is not None and bool(device.drawn)
        return self._health.failures(uuid), slow, len(held.trials) if held else 0, draws

    def _lock(self, uuid: str) -> Block | None:
        if uuid in self._held:
            return None
        try:
            self._held[uuid] = _Held(self._locks.take(uuid), time.time())
        except Taken as taken:
            label = self._labels[uuid]
            return leased(label, taken.holder, self._busy.since("leased", label))
        return None

    def _holder(self, held: _Held) -> Holder:
        return Holder(os.getpid(), _user(), self._experiment, held.since)

    # What is in the way

    def _trials_there(self, uuid: str, trial: int) -> Block | None:
        held, label = self._held.get(uuid), self._labels[uuid]
        if held is None or not held.trials:
            return None
        names = ", ".join(f"trial {number}" for number in held.trials)
        if trial in self._alone or self._alone.intersection(held.trials):
            return Block("alone", label, held.since, trials=names)
        device = self._devices.get(uuid)
        if device is not None and len(held.trials) >= self._packing.fit(device):
            why = self._packing.why(device)
            return Block("full", label, held.since, trials=names, limit=why)
        return None

    def _standing(self, uuid: str) -> Block | None:
        """What is in the way that is no trial of ours."""
        device, label = self._devices.get(uuid), self._labels[uuid]
        if device is None:
            return Block("gone", label, self._busy.since("gone", label))
        if device.trouble:
            since = self._busy.since("trouble", label)
            return Block("trouble", label, since, limit=device.trouble)
        if device.mode == PROHIBITED:
            return Block("mode", label, self._busy.since("mode", label))
        aside = self._health.aside(uuid)
        if aside is not None:
            return Block("aside", label, aside.since, limit=str(aside))
        return None if self._active else self._busy.block(device, self._pids(uuid))

    def _pids(self, uuid: str) -> list[int]:
        held = self._held.get(uuid)
        runs = [self._runs.get(trial) for trial in held.trials] if held else []
        return [run.pid for run in runs if run is not None and run.pid]

    def _forget(self) -> None:
        """What is over is not remembered for what comes later under the same name."""
        now = time.monotonic()
        there = {pid for d in self._devices.values() for p in d.processes for pid in p.kin}
        for pid, when in list(self._ended.items()):
            if pid not in there and now - when > _REMEMBERED:
                del self._ended[pid], self._busy.ended[pid]
        if not self._view.trouble:
            self._busy.forget([block for uuid in self._labels if (block := self._standing(uuid))])

    # Running, and giving back

    def started(self, trial: int, pid: int) -> None:
        """Its processes are those that descend from, or are in the session of, `pid`."""
        self._runs[trial].pid = pid

    def use(self, trial: int) -> GpuUse | None:
        """What a running trial has so far."""
        run = self._runs.get(trial)
        return run.sampling.use if run is not None and run.sampling is not None else None

    def worked(self, trial: int) -> None:
        """The trial got past its start."""
        if trial in self._runs:
            self._health.worked(self._runs[trial].uuids)

    def failed(self, trial: int, kind: str) -> None:
        """The trial failed at its start; `kind` is the same for the same failure."""
        if trial in self._runs:
            self._health.failed(self._runs[trial].uuids, kind)

    def crowded(self, trial: int) -> str | None:
        """The trial ran out of GPU memory: beside whom, where it was not alone. Then it is to run
        again, alone, and fewer are packed from now on."""
        run = self._runs.get(trial)
        if run is None:
            return None
        if run.shared > 1:
            self._packing.lower(run.shared)
            run.again = True
            return "beside others"
        if self._active or trial in self._alone:
            return None
        guest = next(filter(None, map(self._guest, run.uuids)), None)
        if guest is None:
            return None
        run.again = True
        return f"beside {guest.who}, with {size(guest.memory)} of GPU {guest.gpu}"

    def _guest(self, uuid: str) -> Block | None:
        """Who else computes there that can be seen."""
        device = self._devices.get(uuid)
        block = None if device is None else self._busy.block(device, self._pids(uuid))
        return block if block is not None and block.process else None

    def fault(self, trial: int) -> str | None:
        """What is known against a GPU of the trial, as of now."""
        run = self._runs.get(trial)
        for uuid in run.uuids if run is not None else ():
            device, fault = self._devices.get(uuid), self._health.fault(uuid)
            if device is not None and device.trouble:
                return f"GPU {device.label} {device.trouble}"
            if fault is not None:  # since the lease: before, it would not have had that GPU
                return f"GPU {self._labels[uuid]} has a fault: {fault}"
        return None

    def give_back(self, trial: int) -> None:
        """The trial has ended, or does not want its GPUs any more."""
        run = self._runs.get(trial)
        if run is None:
            return
        if run.sampling is not None:
            self._packing.measured(run.sampling.most, run.sampling.utilisation)
        if run.again:
            self._alone.add(trial)
        elif run.sampling is not None:
            self._alone.discard(trial)
        if run.pid:
            self._ended[run.pid] = time.monotonic()
            self._busy.ended[run.pid] = trial
        self._release(trial)
        self._look()

    def _release(self, trial: int) -> None:
        for uuid in self._runs.pop(trial).uuids:
            self._held[uuid].trials.remove(trial)
            self._unlock(uuid)

    def _unlock(self, uuid: str) -> None:
        """Give the lock back, if it is ours and for no trial."""
        if uuid in self._held and not self._held[uuid].trials:
            self._held.pop(uuid).lock.release()

    def close(self) -> None:
        for held in self._held.values():
            held.lock.release()
        self._locks.close()

    def unused(self) -> list[Block]:
        """What is in the way on GPUs on which no trial runs."""
        free = [uuid for uuid in self._labels if uuid not in self._held]
        return [block for uuid in free if (block := self._standing(uuid))]

    @property
    def room(self) -> int:
        """How many trials there is room for now, those that run included; at least one."""
        return max(1, sum(self._rooms()) // self._asked)

    def _rooms(self) -> Iterator[int]:
        for uuid in self._labels:
            device: Device | None = self._devices.get(uuid)
            if device is not None and self._standing(uuid) is None:
                yield self._packing.fit(device)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
