"""What running trials have of their GPUs, measured from the driver."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from runtime.core.trial import GpuUse
from runtime.gpus.device import Device

#: Bytes. Where NVML tells of no process, a trial has come as far as a GPU when more than this is
#: taken there: CUDA alone takes as much.
_BEGUN = 128 << 20


@dataclass(frozen=True, slots=True)
class Shared:
    """A GPU that trials are on: how many, and its `unclaimed` memory before they came."""

    trials: int
    before: int


class Sampling:
    """One trial's use of the GPUs `uuids`, from now on; `before` is of its earlier runs, and of
    its waiting.

    `guessed` is whether NVML did not tell whose memory it was.
    """

    def __init__(self, uuids: Sequence[str], labels: Sequence[str], before: GpuUse | None) -> None:
        self.uuids = tuple(uuids)
        self.most = 0  # bytes on one GPU, at most
        self.guessed = False
        self._labels = tuple(labels)
        self._began = time.monotonic()
        self._before = before or GpuUse()
        self._now: int | None = None
        self._peak: int | None = None
        self._busy: list[float] = []

    def sample(self, devices: Mapping[str, Device], pid: int, shared: Mapping[str, Shared]) -> None:
        """One look; `shared` is of each of its GPUs."""
        found = [devices[uuid] for uuid in self.uuids if uuid in devices]
        sizes = [self._memory(device, pid, shared[device.uuid]) for device in found]
        known = [size for size in sizes if size is not None]
        if not known:
            return  # it has not come as far as its GPUs: how busy they are says nothing of it
        self._now = sum(known)
        self._peak = max(self._peak or 0, self._now)
        self.most = max(self.most, *known)
        busy = [d.utilisation / shared[d.uuid].trials for d in found if d.utilisation is not None]
        if busy:
            self._busy.append(sum(busy) / len(busy))

    def _memory(self, device: Device, pid: int, shared: Shared) -> int | None:
        """Of the trial's own processes; where NVML does not tell of them, an even share of what
        the GPU has more than before."""
        own = [process for process in device.processes if pid in process.kin]
        sizes = [process.memory for process in own]
        if own and None not in sizes:
            return sum(size or 0 for size in sizes)
        more = unclaimed(device, [pid]) - shared.before
        unseen = any(not process.kin for process in device.processes)
        if own or unseen or (more > _BEGUN and not device.processes):
            self.guessed = True
            return max(0, more) // shared.trials
        return None

    @property
    def use(self) -> GpuUse:
        took = (time.monotonic() - self._began) * len(self.uuids)
        return replace(
            self._before,
            gpus=self._labels,
            seconds=round(self._before.seconds + took, 3),
            memory=self._now,
            peak=self._peak,
            utilisation=round(self.utilisation, 1) if self.utilisation is not None else None,
        )

    @property
    def utilisation(self) -> float | None:
        return sum(self._busy) / len(self._busy) if self._busy else None


def unclaimed(device: Device, ours: Sequence[int] = ()) -> int:
    """What of a GPU's memory, in bytes, is not known to be of others than the processes, or
    sessions, `ours`."""
    known = [p.memory for p in device.processes if p.kin and not p.kin.intersection(ours)]
    return device.used - (device.drawn or 0) - sum(size or 0 for size in known)
