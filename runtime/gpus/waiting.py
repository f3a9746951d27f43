"""Why a trial waits for a GPU: rules, each with its sentence."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import TypeAlias

from annotate.json_value import JSON
from runtime.gpus.device import Device, Process, size
from runtime.gpus.locks import Holder

#: What stays the same as long as a reason does: rule, GPU, pid, trials.
Key: TypeAlias = tuple[str, str, int | None, str]

LOOKING = "the GPUs are being looked at"
#: Above this, memory that no process holds is somebody's: a card keeps some for itself.
_LEFT = 1 << 30

#: From rule to its sentence; what stands in braces is a Block's.
RULES = {
    "leased": "GPU {gpu} is leased to experiment {experiment} of {user} (pid {pid}) since {since}",
    "full": "GPU {gpu} runs {trials} since {since}, and {limit}",
    "alone": "GPU {gpu} runs {trials} since {since}, and this trial, which ran out of GPU memory "
    "beside others, runs alone",
    "computes": "on GPU {gpu} {who} computes with {memory} since {since}; "
    "--use-active-gpu does not mind",
    "unseen": "on GPU {gpu} pid {pid}, which can't be seen from here (another container?), "
    "computes with {memory} since {since}; --use-active-gpu does not mind",
    "left": "{trials} has ended, but of it {who} still holds {memory} of "
    "GPU {gpu}, seen since {since}",
    "memory": "{memory} of GPU {gpu} are taken since {since} by no process that can be seen: one "
    "that is ending, or one of another container; --use-active-gpu does not mind",
    "trouble": "GPU {gpu} {limit}, since {since}; it is tried again and again",
    "slow": "GPU {gpu} is looked at since {since}, and has not answered yet",
    "aside": "GPU {gpu} is set aside since {since}, {limit}",
    "mode": "GPU {gpu} lets nobody compute (its compute mode is Prohibited), seen since {since}",
    "gone": "GPU {gpu} is not there any more, since {since}",
    "nvml": "NVML {limit}, since {since}",
}


@dataclass(frozen=True, slots=True)
class Block:
    """One reason why one GPU can't be had. `since` is seconds since the epoch, memory bytes."""

    rule: str
    gpu: str
    since: float
    pid: int | None = None
    process: str = ""
    user: str = ""
    memory: int | None = None
    experiment: str = ""
    trials: str = ""
    limit: str = ""

    def __str__(self) -> str:
        words = {f.name: getattr(self, f.name) for f in fields(self)}
        words |= {"since": clock(self.since), "memory": size(self.memory), "who": self.who}
        return RULES[self.rule].format_map({**words, "user": self._user})

    @property
    def who(self) -> str:
        """The process, for people."""
        return f"{self.process} (pid {self.pid}, {self._user})"

    @property
    def _user(self) -> str:
        return self.user or "an unknown user"

    @property
    def key(self) -> Key:
        return self.rule, self.gpu, self.pid, self.trials

    def to_json(self) -> dict[str, JSON]:
        """What it knows, without what it does not."""
        known = {k: v for k, v in asdict(self).items() if v not in (None, "")}
        return {**known, "text": str(self)}


@dataclass(frozen=True, slots=True)
class Wait:
    """A trial can't start now: it needs `asked` GPUs, and these are in the way. Without a block it
    is only a moment until they have been looked at."""

    asked: int
    blocks: tuple[Block, ...] = ()

    def __str__(self) -> str:
        if not self.blocks:
            return f"waits for {count(self.asked)}: {LOOKING}"
        return f"waits for {count(self.asked)}: " + "; ".join(str(b) for b in self.blocks)

    @property
    def key(self) -> tuple[Key, ...]:
        return tuple(block.key for block in self.blocks)

    @property
    def reason(self) -> frozenset[tuple[str, str, int | None]]:
        """The same for all trials that wait for the same, whichever trial of ours is in the way."""
        return frozenset((block.rule, block.gpu, block.pid) for block in self.blocks)


def count(gpus: int) -> str:
    return "a GPU" if gpus == 1 else f"{gpus} GPUs"


def clock(when: float) -> str:
    """Today's time of day, else also the date."""
    then, now = time.localtime(when), time.localtime()
    same = then[:3] == now[:3]
    return time.strftime("%H:%M:%S" if same else "%Y-%m-%d %H:%M:%S", then)


class Busy:
    """Who, that is no trial of ours, is in the way on a GPU, and since when that was seen.

    `ended` says of a process number which trial's it was, where that has ended.
    """

    def __init__(self) -> None:
        self.ended: dict[int, int] = {}
        self._seen: dict[tuple[str, str, int | None], float] = {}

    def block(self, device: Device, ours: Sequence[int]) -> Block | None:
        """The first reason why the GPU is not free but for the trials whose processes, or
        sessions, are `ours`."""
        others = [p for p in device.processes if not _is_ours(p, ours)]
        if others:
            return self._process(device, max(others, key=lambda p: p.memory or 0))
        left = _unaccounted(device)
        if not ours and left is not None and left > max(_LEFT, device.total // 50):
            return Block("memory", device.label, self.since("memory", device.label), memory=left)
        return None

    def _process(self, device: Device, process: Process) -> Block:
        number = next((self.ended[pid] for pid in process.kin if pid in self.ended), None)
        rule = "left" if number is not None else "computes" if process.name else "unseen"
        seen = self.since(rule, device.label, process.pid)
        return Block(
            rule,
            device.label,
            seen if rule == "left" else process.started or seen,
            pid=process.pid,
            process=process.name,
            user=process.user,
            memory=process.memory,
            trials="" if number is None else f"trial {number}",
        )

    def since(self, rule: str, gpu: str, pid: int | None = None) -> float:
        return self._seen.setdefault((rule, gpu, pid), time.time())

    def forget(self, blocks: Sequence[Block]) -> None:
        """What is not among `blocks` is over: it begins anew when it comes again."""
        now = {(b.rule, b.gpu, b.pid) for b in blocks} | {(b.rule, b.gpu, None) for b in blocks}
        self._seen = {key: when for key, when in self._seen.items() if key in now}


def leased(gpu: str, holder: Holder, seen: float) -> Block:
    return Block(
        "leased",
        gpu,
        holder.since or seen,
        pid=holder.pid,
        user=holder.user,
        experiment=holder.experiment or "?",
    )


def _is_ours(process: Process, ours: Sequence[int]) -> bool:
    # Where trials run in a container, NVML may call their processes by the host's numbers. On a
    # GPU that we have leased, one that can't be seen is taken as ours.
    return bool(process.kin & set(ours)) or (bool(ours) and not process.kin)


def _unaccounted(device: Device) -> int | None:
    """Memory that no process holds; None where that can't be told."""
    held = [process.memory for process in device.processes]
    if device.drawn is None or None in held:
        return None
    return device.used - device.drawn - sum(size or 0 for size in held)
