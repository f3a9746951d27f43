"""Measures the GPU use of running trials, from outside."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from runtime.core.trial import GpuUse
from runtime.stage.agent.gpus.device import Device

#: Bytes. If NVML lists no processes, a trial counts as using a GPU once more than this is taken
#: there: CUDA alone takes that much.
_CUDA_CONTEXT = 128 << 20


@dataclass(frozen=True, slots=True)
class SharedGpu:
    """A GPU with trials on it: their number, and its `unclaimed` memory before they started."""

    trials: int
    before: int


class Usage:
    """One trial's use of the GPUs `uuids`, from now on, added to `before`, its earlier use.

    `most` is the highest memory on one GPU in bytes. `guessed` is set if NVML did not tell whose
    memory it was.
    """

    def __init__(self, uuids: Sequence[str], labels: Sequence[str], before: GpuUse | None) -> None:
        self.uuids = tuple(uuids)
        self.most = 0
        self.guessed = False
        self._labels = tuple(labels)
        self._began = time.monotonic()
        self._before = before or GpuUse()
        self._now: int | None = None
        self._peak: int | None = None
        self._busy: list[float] = []

    def sample(
        self, devices: Mapping[str, Device], pid: int, shared: Mapping[str, SharedGpu]
    ) -> None:
        """Measure once. `devices` and `shared` are by UUID; `pid` is the trial's main process."""
        present = [devices[uuid] for uuid in self.uuids if uuid in devices]
        sizes = [self._memory(device, pid, shared[device.uuid]) for device in present]
        known = [size for size in sizes if size is not None]
        if not known:
            return  # the trial does not use its GPUs yet, so their utilisation is not its own
        self._now = sum(known)
        self._peak = max(self._peak or 0, self._now)
        self.most = max(self.most, *known)
        busy = [d.utilisation / shared[d.uuid].trials for d in present if d.utilisation is not None]
        if busy:
            self._busy.append(sum(busy) / len(busy))

    def _memory(self, device: Device, pid: int, shared: SharedGpu) -> int | None:
        """Memory of the trial's processes; None if it does not use the GPU yet.

        If NVML does not list them, an equal share of what the GPU has more than before.
        """
        own = [process for process in device.processes if pid in process.kin]
        sizes = [process.memory for process in own]
        if own and None not in sizes:
            return sum(size or 0 for size in sizes)
        increase = unclaimed(device, [pid]) - shared.before
        unseen = any(not process.kin for process in device.processes)
        if own or unseen or (increase > _CUDA_CONTEXT and not device.processes):
            self.guessed = True
            return max(0, increase) // shared.trials
        return None

    @property
    def total(self) -> GpuUse:
        """The use so far, including earlier runs of the trial."""
        gpu_seconds = (time.monotonic() - self._began) * len(self.uuids)
        return replace(
            self._before,
            gpus=self._labels,
            seconds=round(self._before.seconds + gpu_seconds, 3),
            memory=self._now,
            peak=self._peak,
            utilisation=round(self.utilisation, 1) if self.utilisation is not None else None,
        )

    @property
    def utilisation(self) -> float | None:
        """The mean in percent; None if NVML reports none."""
        return sum(self._busy) / len(self._busy) if self._busy else None


def unclaimed(device: Device, ours: Sequence[int] = ()) -> int:
    """A GPU's memory in bytes, without graphics and without processes known to be of others.

    `ours` are the ids of our processes or their sessions.
    """
    known = [p.memory for p in device.processes if p.kin and not p.kin.intersection(ours)]
    return device.used - (device.drawn or 0) - sum(size or 0 for size in known)
