"""Why a trial waits for a GPU: rules, each with its sentence.

The table in docs/gpus.md quotes the sentences; a test compares both.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TypeAlias

from annotate.json_value import JSON
from runtime.stage.agent.gpus.device import Device, Process, size
from runtime.stage.agent.gpus.locks import Holder

#: Identifies a reason for as long as it lasts: rule, machine, GPU, pid, trials.
Key: TypeAlias = tuple[str, str, str, int | None, str]

LOOKING = "reading the GPUs"
#: Bytes. A card reserves some memory for itself; anything above this belongs to some process.
_RESERVED = 1 << 30

#: By rule: its sentence, with fields of a Block in braces.
RULES = {
    "leased": "GPU {gpu} has been leased to experiment {experiment} of {user} (pid {pid}) "
    "since {since}",
    "full": "GPU {gpu} has been running {trials} since {since}, and {limit}",
    "alone": "GPU {gpu} has been running {trials} since {since}; a trial that ran out of GPU "
    "memory beside others needs the GPU alone",
    "computes": "on GPU {gpu}, {who} has been using {memory} since {since}; "
    "pass --use-active-gpu to share the GPU",
    "unseen": "on GPU {gpu}, pid {pid} has been using {memory} since {since}, but is not visible "
    "from here (another container?); pass --use-active-gpu to share the GPU",
    "left": "{trials} has ended, but its process {who} still holds {memory} of GPU {gpu}, "
    "first seen at {since}",
    "memory": "{memory} of GPU {gpu} have been in use since {since} by no visible process: it may "
    "be exiting, or in another container; pass --use-active-gpu to share the GPU",
    "trouble": "GPU {gpu} {limit}, since {since}; retrying",
    "slow": "GPU {gpu} has not answered since {since}",
    "quarantined": "GPU {gpu} has been quarantined since {since}, {limit}",
    "mode": "GPU {gpu} allows no compute processes (compute mode Prohibited), "
    "first seen at {since}",
    "gone": "GPU {gpu} has been missing since {since}",
    "nvml": "NVML{of} {limit}, since {since}",
    "machine": "{machine} {limit}, since {since}",
}


@dataclass(frozen=True, slots=True)
class Block:
    """Why a trial cannot have one GPU. `since` is in seconds since the epoch, memory in bytes.

    `machine` has the GPU; it is "" for this one.
    """

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
    machine: str = ""

    def __str__(self) -> str:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values |= {
            "gpu": self.gpu_text,
            "of": self._of,
            "since": clock(self.since),
            "memory": size(self.memory),
            "who": self.process_text,
        }
        return RULES[self.rule].format_map({**values, "user": self._user})

    @property
    def gpu_text(self) -> str:
        """The GPU as shown to users: `0`, or `0 of alpha`."""
        return self.gpu + self._of

    @property
    def _of(self) -> str:
        return f" of {self.machine}" if self.machine else ""

    @property
    def process_text(self) -> str:
        """The process as shown to users: `python train.py (pid 812, ada)`."""
        return f"{self.process} (pid {self.pid}, {self._user})"

    @property
    def _user(self) -> str:
        return self.user or "an unknown user"

    @property
    def key(self) -> Key:
        """Equal for the same reason, however long it lasts."""
        return self.rule, self.machine, self.gpu, self.pid, self.trials

    def to_json(self) -> dict[str, JSON]:
        """The fields that are set, and the sentence as `text`."""
        known = {k: v for k, v in asdict(self).items() if v not in (None, "")}
        return {**known, "text": str(self)}


@dataclass(frozen=True, slots=True)
class Wait:
    """A trial that needs `asked` GPUs cannot start yet.

    `blocks` are the reasons; without any, it only waits for the next view of the GPUs.
    """

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
    def reason(self) -> frozenset[Key]:
        """Equal for all trials that wait for the same GPUs, whichever of our trials hold them."""
        return frozenset(replace(block, trials="").key for block in self.blocks)

    def on(self, machine: str) -> Wait:
        """The same wait, for GPUs of this machine."""
        return replace(self, blocks=tuple(replace(b, machine=machine) for b in self.blocks))


def count(gpus: int) -> str:
    """`a GPU`, or `2 GPUs`."""
    return "a GPU" if gpus == 1 else f"{gpus} GPUs"


def clock(when: float) -> str:
    """Format a time: only the time of day for today, otherwise with the date."""
    then, now = time.localtime(when), time.localtime()
    is_today = then[:3] == now[:3]
    return time.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S", then)


class Busy:
    """Finds who else uses a GPU, and remembers since when.

    `ended` maps the process IDs of ended trials to the trials' numbers.
    """

    def __init__(self) -> None:
        self.ended: dict[int, int] = {}
        self._seen: dict[tuple[str, str, int | None], float] = {}

    def block(self, device: Device, ours: Sequence[int]) -> Block | None:
        """Why the GPU is not free, apart from our own trials; None if it is.

        `ours` are the ids of our trials' processes or their sessions.
        """
        others = [p for p in device.processes if not _is_ours(p, ours)]
        if others:
            return self._process(device, max(others, key=lambda p: p.memory or 0))
        memory = _unaccounted(device)
        if not ours and memory is not None and memory > max(_RESERVED, device.total // 50):
            return Block("memory", device.label, self.since("memory", device.label), memory=memory)
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
        """When this reason was first seen; now, if it is new."""
        return self._seen.setdefault((rule, gpu, pid), time.time())

    def forget(self, blocks: Sequence[Block]) -> None:
        """Forget reasons that are not among `blocks`: if they recur, they count as new."""
        now = {(b.rule, b.gpu, b.pid) for b in blocks} | {(b.rule, b.gpu, None) for b in blocks}
        self._seen = {key: when for key, when in self._seen.items() if key in now}


def leased(gpu: str, holder: Holder, seen: float) -> Block:
    """The reason for a GPU that another experiment holds, first noticed at `seen`."""
    return Block(
        "leased",
        gpu,
        holder.since or seen,
        pid=holder.pid,
        user=holder.user,
        experiment=holder.experiment or "?",
    )


def _is_ours(process: Process, ours: Sequence[int]) -> bool:
    # In a container NVML may report the host's process IDs, which mean nothing here. On a GPU that
    # we have leased, such an invisible process counts as ours.
    return bool(process.kin & set(ours)) or (bool(ours) and not process.kin)


def _unaccounted(device: Device) -> int | None:
    """Memory that no listed process holds; None if unknown."""
    held = [process.memory for process in device.processes]
    if device.drawn is None or None in held:
        return None
    return device.used - device.drawn - sum(size or 0 for size in held)
