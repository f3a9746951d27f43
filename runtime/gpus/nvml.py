"""Reading the GPUs through NVML, the library of NVIDIA's driver, by pynvml."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from runtime.gpus.device import Device, Process, View
from runtime.gpus.limited import Limited, Slow
from runtime.gpus.processes import described

_LIMIT = 5.0  # seconds that one GPU has to answer
_AT_START = 30.0  # seconds that the library has to open: a card may have to wake up
_UNCORRECTED, _SINCE_BOOT = 1, 0  # NVML's numbers
_XID = 8
_MOST_EVENTS = 100  # a view; a card that reports errors without an end is not followed for ever


class NoNvml(Exception):
    """NVML can't be used; the message says why."""


class Nvml:
    """NVML, opened. Raises NoNvml where it can't be. Not to be shared between threads.

    Each GPU is read in a thread of its own, so that one that hangs delays nobody else.
    """

    def __init__(self) -> None:
        opening = Limited(_open)
        opening.begin()
        try:
            self._nvml, count, self._events = opening.result(_AT_START)
        except Slow:
            raise NoNvml(f"NVIDIA's driver has not answered for {_AT_START:.0f} s") from None
        self._cards = [_Card(self._nvml, index) for index in range(count)]
        self._wait = Limited(self._read_xids)

    def view(self) -> View:
        """Look at all GPUs; takes as long as they take, and no longer than a few seconds."""
        began = time.monotonic()
        for card in self._cards:
            card.reading.begin()
        devices = [d for card in self._cards for d in card.devices(began + _LIMIT)]
        self._wait.begin()
        try:
            xids = self._wait.result(began + _LIMIT - time.monotonic())
        except (Slow, self._nvml.NVMLError):
            xids = ()
        return View(began, tuple(devices), xids)

    def _read_xids(self) -> tuple[tuple[str, int], ...]:
        return tuple(self._told()) if self._events is not None else ()

    def _told(self) -> Iterator[tuple[str, int]]:
        nvml = self._nvml
        for _ in range(_MOST_EVENTS):
            try:
                event = nvml.nvmlEventSetWait_v2(self._events, 0)
            except nvml.NVMLError_Timeout:
                return
            for card in self._cards:
                if card.is_at(event.device):
                    yield card.label, int(event.eventData)


def _open() -> tuple[Any, int, Any]:
    import pynvml

    try:
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError_LibraryNotFound:
        raise NoNvml("there is no NVIDIA driver here (libnvidia-ml.so.1 was not found)") from None
    except pynvml.NVMLError as error:
        raise NoNvml(f"NVIDIA's driver does not work: {error}") from None
    return pynvml, count, _events(pynvml, count)


def _events(nvml: Any, count: int) -> Any:
    """What NVML is to tell of by itself; None where it can't."""
    try:
        events = nvml.nvmlEventSetCreate()
    except nvml.NVMLError:
        return None
    for index in range(count):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            nvml.nvmlDeviceRegisterEvents(handle, _XID, events)
        except nvml.NVMLError:
            continue  # a card that has no such events, or is in trouble, which its reading says
    return events


class _Card:
    """One card: what it is, as far as it has ever said so, and how to read it."""

    def __init__(self, nvml: Any, index: int) -> None:
        self._nvml = nvml
        self._index = index
        self.label = str(index)
        self._last = [Device(f"GPU number {index}", self.label, "a GPU that never answered")]
        self.handle: Any = None
        self.reading = Limited(self._read)

    def is_at(self, handle: Any) -> bool:
        """Whether NVML means this card; one that is lost can't be asked for its name any more."""
        return self.handle is not None and _address(self.handle) == _address(handle)

    def devices(self, until: float) -> list[Device]:
        """What the reading that has begun gives by `until` (monotonic seconds)."""
        try:
            self._last = self.reading.result(until - time.monotonic())
        except Slow as slow:
            when = time.strftime("%H:%M:%S", time.localtime(slow.since))
            return self._in_trouble(f"has not answered since {when}")
        except self._nvml.NVMLError as error:
            return self._in_trouble(f"gives an error: {error}")
        return self._last

    def _in_trouble(self, trouble: str) -> list[Device]:
        return [replace(device, trouble=trouble, processes=()) for device in self._last]

    def _read(self) -> list[Device]:
        nvml = self._nvml
        self.handle = nvml.nvmlDeviceGetHandleByIndex(self._index)
        name = str(nvml.nvmlDeviceGetName(self.handle))
        errors = self._ecc()
        if not (self._maybe(nvml.nvmlDeviceGetMigMode, self.handle) or [0])[0]:
            device = self._device(self.handle, self.label, name)
            return [replace(device, errors=errors)]
        found = [
            replace(self._device(handle, f"{self.label}:{n}", name), mig=True, errors=errors)
            for n, handle in self._instances()
        ]
        if found:
            return found
        uuid = nvml.nvmlDeviceGetUUID(self.handle)
        return [Device(uuid, self.label, name, trouble="is in MIG mode and has no instance")]

    def _instances(self) -> Iterator[tuple[int, Any]]:
        nvml = self._nvml
        for n in range(nvml.nvmlDeviceGetMaxMigDeviceCount(self.handle)):
            handle = self._maybe(nvml.nvmlDeviceGetMigDeviceHandleByIndex, self.handle, n)
            if handle is not None:
                yield n, handle

    def _device(self, handle: Any, label: str, name: str) -> Device:
        nvml = self._nvml
        total, used = self._memory(handle)
        drawing = self._processes("Graphics", handle)
        rates = self._maybe(nvml.nvmlDeviceGetUtilizationRates, handle)
        return Device(
            uuid=nvml.nvmlDeviceGetUUID(handle),
            label=label,
            name=name,
            total=total,
            used=used,
            drawn=_sum([p.memory for p in drawing]),
            processes=tuple(described(p) for p in self._processes("Compute", handle)),
            utilisation=None if rates is None else int(rates.gpu),
            mode=self._maybe(nvml.nvmlDeviceGetComputeMode, handle) or 0,
        )

    def _memory(self, handle: Any) -> tuple[int, int]:
        """In bytes, in all and used, without what the driver keeps for itself where it says so."""
        nvml = self._nvml
        info = self._maybe(nvml.nvmlDeviceGetMemoryInfo, handle, nvml.nvmlMemory_v2)
        if info is None:
            info = nvml.nvmlDeviceGetMemoryInfo(handle)
        return int(info.total), int(info.used)

    def _processes(self, kind: str, handle: Any) -> list[Process]:
        # Drivers before 510 know the second version of the call, not the third.
        for version in ("v3", "v2"):
            call = getattr(self._nvml, f"nvmlDeviceGet{kind}RunningProcesses_{version}")
            found = self._maybe(call, handle)
            if found is not None:
                return [Process(int(p.pid), p.usedGpuMemory) for p in found]
        return []

    def _ecc(self) -> int | None:
        count = self._nvml.nvmlDeviceGetTotalEccErrors
        found: int | None = self._maybe(count, self.handle, _UNCORRECTED, _SINCE_BOOT)
        return found

    def _maybe(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """What the call gives, or None where this card, driver or user has no such thing."""
        nvml = self._nvml
        try:
            return call(*arguments)
        except (
            nvml.NVMLError_NotSupported,
            nvml.NVMLError_FunctionNotFound,
            nvml.NVMLError_NoPermission,
            nvml.NVMLError_NotFound,
            nvml.NVMLError_InvalidArgument,
        ):
            return None


def _address(handle: Any) -> int | None:
    return ctypes.cast(handle, ctypes.c_void_p).value


def _sum(sizes: list[int | None]) -> int | None:
    """None where one of them is not known."""
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
