"""The state of a machine's GPUs as NVML reports it.

A GPU is a unit that a trial can lease: a card, or one of its MIG instances. Memory is in bytes,
utilisation in percent; times are seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Dict

GIB = 1 << 30
#: NVML's numbers of compute modes.
EXCLUSIVE, PROHIBITED = 3, 2


@dataclass(frozen=True)
class Process:
    """A process that computes on a GPU.

    `kin` has the ids of the process, its session and its ancestors. `name` and `kin` are empty if
    the process is not visible from here, for example because it is in another container.
    """

    pid: int
    memory: int | None
    name: str = ""
    user: str = ""
    started: float | None = None
    kin: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Device:
    """One GPU at one moment.

    label: its number as nvidia-smi shows it, `0`, or `0:1` for a MIG instance.
    drawn: memory of processes that use the GPU for graphics only.
    utilisation, errors: None if NVML reports none; `errors` counts uncorrected ECC errors.
    trouble: why the GPU cannot be read, else empty. The other fields are then of its last answer.
    read: when this reading began, in monotonic seconds. If the GPU is slow to answer, this is
        before the view that it is part of.
    """

    uuid: str
    label: str
    name: str
    total: int = 0
    used: int = 0
    drawn: int | None = 0
    processes: tuple[Process, ...] = ()
    utilisation: int | None = None
    errors: int | None = None
    mode: int = 0
    mig: bool = False
    trouble: str = ""
    read: float = 0.0

    @property
    def card(self) -> str:
        """The label of the card that it is, or belongs to."""
        return self.label.partition(":")[0]


@dataclass(frozen=True)
class View:
    """All GPUs, in NVML's order, read after `began` (monotonic seconds).

    `xids` has the Xid errors since the last view: (label of the card, number). `trouble` says why
    NVML could not be read at all, else it is empty.
    """

    began: float
    devices: tuple[Device, ...] = ()
    xids: tuple[tuple[str, int], ...] = ()
    trouble: str = ""

    def to_json(self) -> Dict[str, Any]:
        document = asdict(self)
        for device in document["devices"]:
            for process in device["processes"]:
                process["kin"] = sorted(process["kin"])
        return document

    @classmethod
    def from_json(cls, document: Dict[str, Any]) -> View:
        """The view that `to_json` wrote."""
        devices = tuple(_device(device) for device in document["devices"])
        xids = tuple((str(card), int(number)) for card, number in document["xids"])
        return cls(**dict(document, devices=devices, xids=xids))


def _device(document: Dict[str, Any]) -> Device:
    processes = tuple(
        Process(**dict(process, kin=frozenset(process["kin"]))) for process in document["processes"]
    )
    return Device(**dict(document, processes=processes))


def size(count: int | None) -> str:
    """Format an amount of memory: 13.2 GiB, 512 MiB."""
    if count is None:
        return "memory of an unknown size"
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / 2**20:.0f} MiB"
