"""What running trials have of their GPUs, measured from the driver."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from runtime.gpus.device import Device, Process
from runtime.trial import GpuUse


class Sampling:
    """One trial's use of the GPUs `uuids`, from now on; `before` is of its earlier runs."""

    def __init__(self, uuids: Sequence[str], labels: Sequence[str], before: GpuUse | None) -> None:
        self.uuids = tuple(uuids)
        self.most = 0  # bytes on one GPU, at most
        self._labels = tuple(labels)
        self._began = time.monotonic()
        self._before = 0.0 if before is None else before.seconds
        self._now: int | None = None
        self._peak: int | None = None
        self._busy: list[float] = []

    def sample(self, devices: Mapping[str, Device], pid: int, together: Mapping[str, int]) -> None:
        """One look; `together` is how many trials are on each GPU."""
        found = [devices[uuid] for uuid in self.uuids if uuid in devices]
        sizes = [_memory(device, pid, together[device.uuid]) for device in found]
        known = [size for size in sizes if size is not None]
        if not known:
            return  # it has not come as far as its GPUs: how busy they are says nothing of it
        self._now = sum(known)
        self._peak = max(self._peak or 0, self._now)
        self.most = max(self.most, *known)
        busy = [d.utilisation / together[d.uuid] for d in found if d.utilisation is not None]
        if busy:
            self._busy.append(sum(busy) / len(busy))

    @property
    def use(self) -> GpuUse:
        took = (time.monotonic() - self._began) * len(self.uuids)
        return GpuUse(
            self._labels,
            round(self._before + took, 3),
            self._now,
            self._peak,
            round(self.utilisation, 1) if self.utilisation is not None else None,
        )

    @property
    def utilisation(self) -> float | None:
        return sum(self._busy) / len(self._busy) if self._busy else None


def _memory(device: Device, pid: int, together: int) -> int | None:
    """Of the trial's own processes; where none can be told apart, an even share of all."""
    own: list[Process] = [process for process in device.processes if pid in process.kin]
    sizes = [process.memory for process in own]
    if own and None not in sizes:
        return sum(size or 0 for size in sizes)
    if own or any(not process.kin for process in device.processes):
        return device.used // together
    return None
