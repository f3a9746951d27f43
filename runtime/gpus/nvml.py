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

_LOOK = 1.0  # seconds that a look waits for a GPU; what a slower one says is in a later look
_LIMIT = 15.0  # seconds that a GPU has to answer
_AT_START = 30.0  # seconds that the library has to open: a card may have to wake up
_DESKTOP = 1 << 30  # bytes: a program that draws, and has less, does not count as computing
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
        self._cards = [_Card(self._nvml, index, self._events) for index in range(count)]
        self._xids = Limited(lambda: tuple(self._told()))

    def first_view(self) -> View:
        """The same as `view`, with time for every GPU that works at all."""
        return self.view(_LIMIT)

    def view(self, patience: float = _LOOK) -> View:
        """Look at all GPUs, for `patience` seconds: one that has not answered by then is as it was
        when it last did, until it has taken so long that this is trouble."""
        began = time.monotonic()
        for card in self._cards:
            card.reading.begin()
        devices = [d for card in self._cards for d in card.devices(began + patience)]
        self._xids.begin()
        try:
            xids = self._xids.result(began + patience - time.monotonic())
        except Slow:
            xids = ()
        return View(began, tuple(devices), xids)

    def _told(self) -> Iterator[tuple[str, int]]:
        nvml = self._nvml
        for _ in range(_MOST_EVENTS if self._events is not None else 0):
            try:
                event = nvml.nvmlEventSetWait_v2(self._events, 0)
            except nvml.NVMLError:
                return  # there is none, or a card was lost: what it told before that counts
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
    try:
        return pynvml, count, pynvml.nvmlEventSetCreate()
    except pynvml.NVMLError:
        return pynvml, count, None


class _Card:
    """One card: what it is, as far as it has ever said so, and how to read it. What it tells by
    itself goes to `events`, where that is not None."""

    def __init__(self, nvml: Any, index: int, events: Any) -> None:
        self._nvml = nvml
        self._index = index
        self._events = events
        self._absent = (
            nvml.NVMLError_NotSupported,
            nvml.NVMLError_FunctionNotFound,
            nvml.NVMLError_NoPermission,
            nvml.NVMLError_InvalidArgument,
        )
        self.label = str(index)
        self._last = [Device("", self.label, "a GPU that never answered")]
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
            if slow.seconds < _LIMIT and self._last[0].uuid:
                return self._last
            return self._in_trouble("does not answer")
        except self._nvml.NVMLError as error:
            return self._in_trouble(f"gives an error: {error}")
        return self._last

    def _in_trouble(self, trouble: str) -> list[Device]:
        return [replace(device, trouble=trouble, processes=()) for device in self._last]

    def _read(self) -> list[Device]:
        nvml, began = self._nvml, time.monotonic()
        self.handle = nvml.nvmlDeviceGetHandleByIndex(self._index)
        self._register()
        name = str(nvml.nvmlDeviceGetName(self.handle))
        errors = self._ecc()
        if not (self._maybe(nvml.nvmlDeviceGetMigMode, self.handle) or [0])[0]:
            device = self._device(self.handle, self.label, name)
            return [replace(device, errors=errors, read=began)]
        found = [self._device(handle, f"{self.label}:{n}", name) for n, handle in self._instances()]
        if found:
            return [replace(device, mig=True, errors=errors, read=began) for device in found]
        uuid = nvml.nvmlDeviceGetUUID(self.handle)
        return [Device(uuid, self.label, name, trouble="is in MIG mode and has no instance")]

    def _register(self) -> None:
        """Have it tell of Xid errors, once; not all cards can."""
        if self._events is not None:
            self._maybe(self._nvml.nvmlDeviceRegisterEvents, self.handle, _XID, self._events)
            self._events = None

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
        # A desktop's programs may do both, and little of either.
        desktop = {p.pid for p in drawing if p.memory is not None and p.memory < _DESKTOP}
        computing = [p for p in self._processes("Compute", handle) if p.pid not in desktop]
        both = {p.pid for p in computing}
        rates = self._maybe(nvml.nvmlDeviceGetUtilizationRates, handle)
        return Device(
            uuid=nvml.nvmlDeviceGetUUID(handle),
            label=label,
            name=name,
            total=total,
            used=used,
            drawn=_sum([p.memory for p in drawing if p.pid not in both]),
            processes=tuple(map(described, computing)),
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
            try:
                return [Process(int(p.pid), p.usedGpuMemory) for p in call(handle)]
            except self._absent:
                continue
        return []

    def _ecc(self) -> int | None:
        count = self._nvml.nvmlDeviceGetTotalEccErrors
        found: int | None = self._maybe(count, self.handle, _UNCORRECTED, _SINCE_BOOT)
        return found

    def _maybe(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """What the call gives, or None where it gives an error: this card, driver or user has no
        such thing. Of a card that is lost nothing is taken."""
        try:
            return call(*arguments)
        except self._nvml.NVMLError_GpuIsLost:
            raise
        except self._nvml.NVMLError:
            return None


def _address(handle: Any) -> int | None:
    return ctypes.cast(handle, ctypes.c_void_p).value


def _sum(sizes: list[int | None]) -> int | None:
    """None where one of them is not known."""
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
