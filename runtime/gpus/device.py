"""What is read of the machine's GPUs. A GPU is what a trial can lease: a card, or one of its MIG
instances. Memory is in bytes, utilisation in percent, times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass

GIB = 1 << 30
#: Compute modes by NVML's numbers.
EXCLUSIVE, PROHIBITED = 3, 2


@dataclass(frozen=True, slots=True)
class Process:
    """A process that computes on a GPU. `name` is empty where the process can't be seen from
    here; `kin` are its own number, its session's and those of the processes it descends from."""

    pid: int
    memory: int | None
    name: str = ""
    user: str = ""
    started: float | None = None
    kin: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU at one moment. `label` is what people call it: `0`, or `0:1` for an instance.

    `drawn` is the memory of processes that only draw. `utilisation` and `errors` (uncorrected ECC
    errors) are None where NVML does not tell. Where `trouble` is not empty, the rest is as it was
    when the GPU last answered. `read` is when this reading of it began, in monotonic seconds: of a
    GPU that is slow to answer, before the look that it is a part of.
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
        """The label of the card it is, or is a part of."""
        return self.label.partition(":")[0]


@dataclass(frozen=True, slots=True)
class View:
    """All GPUs as they were between `began` and now (monotonic seconds), by NVML's order.

    `xids` are the errors that NVML has told since the last view: (label of the card, number).
    `trouble` says why nothing could be read at all.
    """

    began: float
    devices: tuple[Device, ...] = ()
    xids: tuple[tuple[str, int], ...] = ()
    trouble: str = ""


def size(count: int | None) -> str:
    """Memory as people read it: 13.2 GiB, 512 MiB."""
    if count is None:
        return "memory of an unknown size"
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / 2**20:.0f} MiB"
