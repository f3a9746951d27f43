"""The GPUs of one machine, as the gate uses them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from runtime.core.config import Config
from runtime.core.trial import GpuUse, Trial
from runtime.executors.base import Executor, NewView
from runtime.gpus.elsewhere import DistantGpus
from runtime.gpus.leases import Lease, Leases
from runtime.gpus.opening import Gpus
from runtime.gpus.waiting import Block, Wait
from runtime.gpus.world import VISIBLE, World, world
from runtime.stage.agent.gpus.polling import Poller


class Watch(Protocol):
    """Reads the GPUs on request, and every second while `watching` is set."""

    watching: bool

    def request(self) -> None: ...
    def close(self) -> None: ...


class Site:
    """One machine. `trials` run there, or wait for GPUs there that they have claimed.

    `asked` are the trials that asked for GPUs since the last view, `tried` those of them that got
    an answer.
    """

    def __init__(self, name: str, watch: Watch, leases: Leases | None) -> None:
        self.name = name
        self.watch = watch
        self.leases = leases
        self.trials: set[int] = set()
        self.asked: set[int] = set()
        self.tried: set[int] = set()

    def take(self, trial: int, before: GpuUse, asked: int) -> Lease | Wait:
        """`asked` GPUs for the trial, or why it has to wait; `before` as in `Leases.take`."""
        self.tried.add(trial)
        if self.leases is None:
            return Wait(asked)
        answer = self.leases.take(trial, before)
        self.watch.watching = True
        has_claim = isinstance(answer, Lease) or not answer.blocks
        (self.trials.add if has_claim else self.trials.discard)(trial)
        return answer

    def give_back(self, trial: int) -> None:
        """The trial no longer wants GPUs here."""
        if self.leases is not None:
            self.leases.give_back(trial)
        self.trials.discard(trial)

    def see(self, message: NewView) -> list[str]:
        """Take a new view; returns messages for the user."""
        self.asked.clear()
        self.tried.clear()
        return [] if self.leases is None else self.leases.update(message.view)

    def adopt(self, trial: Trial) -> None:
        """An earlier driver started the trial here; called before its `started`."""
        raise NotImplementedError  # a trial of this machine ends with its driver

    def started(self, trial: int, pid: int) -> None:
        if self.leases is not None:
            self.leases.started(trial, pid)

    @property
    def room(self) -> int:
        """How many trials may run here at a time."""
        return 0 if self.leases is None else self.leases.room

    def unused(self) -> list[Block]:
        """Why GPUs without a trial of ours cannot be used."""
        return [] if self.leases is None else self.leases.unused()

    def flush(self) -> None:
        """Tell the machine which GPUs are wanted there."""

    def close(self) -> None:
        self.watch.close()
        if self.leases is not None:
            self.leases.close()


def local_site(
    gpus: Gpus,
    config: Config,
    experiment: str,
    note: Callable[[str], None],
    post: Callable[[NewView], None],
) -> Site:
    """This machine; posts views of its GPUs."""
    poller = Poller(gpus.nvml.view, lambda view: post(NewView(view)))
    leases = Leases(config, gpus.world, gpus.view, gpus.locks, experiment, poller.request)
    for text in _silent(gpus.world):
        note(text)
    return Site("", poller, leases)


@dataclass(slots=True)
class _Adopted:
    """A trial of an earlier driver, on GPUs that this one has not seen yet."""

    uuids: tuple[str, ...]
    before: GpuUse | None
    pid: int = 0


class DistantSite(Site):
    """Another machine, which the executor reaches; its GPUs are known once it has sent a view."""

    def __init__(self, name: str, config: Config, experiment: str, executor: Executor) -> None:
        self._gpus = DistantGpus(
            lambda claims, watch: executor.claim_gpus(name, claims, watch=watch)
        )
        super().__init__(name, self._gpus, None)
        self._config, self._experiment = config, experiment
        self._slots: int | None = None  # how many trials it takes
        self._away = ""  # why it cannot be reached
        self._since: dict[str, float] = {}  # when each reason began, in seconds since the epoch
        self._adopted: dict[int, _Adopted] = {}

    def take(self, trial: int, before: GpuUse, asked: int) -> Lease | Wait:
        reason = self._away or self._why_full(trial)
        if not reason:
            self._since.clear()
            return super().take(trial, before, asked)
        self.tried.add(trial)
        since = self._since.setdefault(reason, time.time())
        return Wait(asked, (Block("machine", "", since, limit=reason, machine=self.name),))

    def _why_full(self, trial: int) -> str:
        if self._slots is None or len(self.trials - {trial}) < self._slots:
            return ""
        count = "1 trial" if self._slots == 1 else f"{self._slots} trials"
        return f"has been running {count}, as many as it takes"

    def see(self, message: NewView) -> list[str]:
        """Raises AnnotateError if the machine has too few GPUs."""
        self._away, self._slots = message.away, message.slots
        if message.away:
            self.asked.clear()
            self.tried.clear()
            return []
        view = self._gpus.see(message.view, message.held, message.others)
        silent: list[str] = []
        if self.leases is None and not view.trouble:
            visible = {} if message.visible is None else {VISIBLE: message.visible}
            usable = world(self._config, view, visible)
            silent = [f"{self.name}: {text}" for text in _silent(usable)]
            request, experiment = self._gpus.request, self._experiment
            self._open(
                Leases(self._config, usable, view, self._gpus, experiment, request, self.name)
            )
        return [*silent, *super().see(NewView(view))]

    def _open(self, leases: Leases) -> None:
        """The machine's GPUs are known, those of adopted trials among them."""
        self.leases = leases
        for number, adopted in self._adopted.items():
            leases.adopt(number, adopted.uuids, adopted.before)
            leases.started(number, adopted.pid)
        self._adopted.clear()

    def adopt(self, trial: Trial) -> None:
        uuids = tuple((trial.place or {}).get("gpus", ()))
        self.trials.add(trial.number)
        self._adopted[trial.number] = _Adopted(uuids, trial.gpu)

    def started(self, trial: int, pid: int) -> None:
        if trial in self._adopted:
            self._adopted[trial].pid = pid
        else:
            super().started(trial, pid)

    def give_back(self, trial: int) -> None:
        self._adopted.pop(trial, None)
        super().give_back(trial)

    @property
    def room(self) -> int:
        if self._away:
            return len(self.trials)
        return super().room if self._slots is None else min(super().room, self._slots)

    def unused(self) -> list[Block]:
        return [] if self._away else super().unused()

    def flush(self) -> None:
        self._gpus.flush()


def _silent(usable: World) -> list[str]:
    return [
        f"GPU {device.label} {device.trouble}: this driver continues without it"
        for device in usable.silent
    ]
