"""Reads the GPUs through NVML, the library of NVIDIA's driver, with pynvml."""

from __future__ import annotations

import ctypes
import time
from dataclasses import replace
from typing import Any, Callable, Iterator

from runtime.stage.agent.gpus.device import Device, Process, View
from runtime.stage.agent.gpus.limited import Slow, TimedCall
from runtime.stage.agent.gpus.processes import describe

_VIEW_WAIT = 1.0  # seconds that a view waits for a GPU; a slower answer is part of a later view
_ANSWER_LIMIT = 15.0  # seconds after which a silent GPU counts as in trouble
_OPEN_LIMIT = 30.0  # seconds for the library to open: a card may have to wake up
_DESKTOP = 1 << 30  # bytes: a graphics program with less than this does not count as computing
_UNCORRECTED, _SINCE_BOOT = 1, 0  # NVML's numbers
_XID = 8  # NVML's number of the event type
_MAX_EVENTS = 100  # read per view, in case a card reports errors without end


class NoNvml(Exception):
    """NVML cannot be used; the message says why."""


class Nvml:
    """An open connection to NVML. Raises NoNvml if it cannot be opened. Use it from one thread.

    Each GPU is read in its own thread, so that a hung one does not delay the others.
    """

    def __init__(self) -> None:
        opening = TimedCall(_open)
        opening.begin()
        try:
            self._nvml, count, self._events = opening.result(_OPEN_LIMIT)
        except Slow:
            raise NoNvml(f"NVIDIA's driver has not answered for {_OPEN_LIMIT:.0f} s") from None
        self._cards = [_Card(self._nvml, index, self._events) for index in range(count)]
        self._xids = TimedCall(lambda: tuple(self._read_xids()))

    def first_view(self) -> View:
        """Like `view`, but waits long enough for every GPU that works at all."""
        return self.view(_ANSWER_LIMIT)

    def view(self, limit: float = _VIEW_WAIT) -> View:
        """Read all GPUs, for at most `limit` seconds.

        A GPU that has not answered by then is shown as of its last answer, and as in trouble once
        it has been silent for `_ANSWER_LIMIT` seconds.
        """
        began = time.monotonic()
        for card in self._cards:
            card.reading.begin()
        devices = [d for card in self._cards for d in card.devices(began + limit)]
        self._xids.begin()
        try:
            xids = self._xids.result(began + limit - time.monotonic())
        except Slow:
            xids = ()
        return View(began, tuple(devices), xids)

    def _read_xids(self) -> Iterator[tuple[str, int]]:
        nvml = self._nvml
        for _ in range(_MAX_EVENTS if self._events is not None else 0):
            try:
                event = nvml.nvmlEventSetWait_v2(self._events, 0)
            except nvml.NVMLError:
                return  # no further event, or a card was lost
            for card in self._cards:
                if card.is_at(event.device):
                    yield card.label, int(event.eventData)


def _open() -> tuple[Any, int, Any]:
    import pynvml

    try:
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError_LibraryNotFound:
        raise NoNvml("no NVIDIA driver is installed (libnvidia-ml.so.1 was not found)") from None
    except pynvml.NVMLError as error:
        raise NoNvml(f"NVIDIA's driver does not work: {error}") from None
    try:
        return pynvml, count, pynvml.nvmlEventSetCreate()
    except pynvml.NVMLError:
        return pynvml, count, None


class _Card:
    """Reads one card, and remembers its last answer.

    The card's Xid errors go to the event set `events`, if it is not None.
    """

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
        self.reading = TimedCall(self._read)

    def is_at(self, handle: Any) -> bool:
        """Whether this card has the handle. Works for a lost card, which has no UUID any more."""
        return self.handle is not None and _address(self.handle) == _address(handle)

    def devices(self, until: float) -> list[Device]:
        """The result of the current reading, waiting until `until` (monotonic seconds)."""
        try:
            self._last = self.reading.result(until - time.monotonic())
        except Slow as slow:
            if slow.seconds < _ANSWER_LIMIT and self._last[0].uuid:
                return self._last
            return self._in_trouble("does not answer")
        except self._nvml.NVMLError as error:
            return self._in_trouble(f"reports an error: {error}")
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
        instances = [
            self._device(handle, f"{self.label}:{n}", name) for n, handle in self._instances()
        ]
        if instances:
            return [replace(device, mig=True, errors=errors, read=began) for device in instances]
        uuid = nvml.nvmlDeviceGetUUID(self.handle)
        return [Device(uuid, self.label, name, trouble="is in MIG mode but has no instance")]

    def _register(self) -> None:
        """Subscribe to Xid errors, once; not all cards support it."""
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
        # Programs of the desktop may also compute a little.
        desktop = {p.pid for p in drawing if p.memory is not None and p.memory < _DESKTOP}
        computing = [p for p in self._processes("Compute", handle) if p.pid not in desktop]
        computing_pids = {p.pid for p in computing}
        rates = self._maybe(nvml.nvmlDeviceGetUtilizationRates, handle)
        return Device(
            uuid=nvml.nvmlDeviceGetUUID(handle),
            label=label,
            name=name,
            total=total,
            used=used,
            drawn=_sum([p.memory for p in drawing if p.pid not in computing_pids]),
            processes=tuple(map(describe, computing)),
            utilisation=None if rates is None else int(rates.gpu),
            mode=self._maybe(nvml.nvmlDeviceGetComputeMode, handle) or 0,
        )

    def _memory(self, handle: Any) -> tuple[int, int]:
        """Total and used bytes; used excludes the driver's reserve, if the driver reports it."""
        nvml = self._nvml
        info = self._maybe(nvml.nvmlDeviceGetMemoryInfo, handle, nvml.nvmlMemory_v2)
        if info is None:
            info = nvml.nvmlDeviceGetMemoryInfo(handle)
        return int(info.total), int(info.used)

    def _processes(self, kind: str, handle: Any) -> list[Process]:
        # Drivers before 510 only have version 2 of the call.
        for version in ("v3", "v2"):
            call = getattr(self._nvml, f"nvmlDeviceGet{kind}RunningProcesses_{version}")
            try:
                return [Process(int(p.pid), p.usedGpuMemory) for p in call(handle)]
            except self._absent:
                continue
        return []

    def _ecc(self) -> int | None:
        call = self._nvml.nvmlDeviceGetTotalEccErrors
        count: int | None = self._maybe(call, self.handle, _UNCORRECTED, _SINCE_BOOT)
        return count

    def _maybe(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """The result of the call; None if this card, driver or user does not support it.

        Raises NVMLError_GpuIsLost if the card is lost.
        """
        try:
            return call(*arguments)
        except self._nvml.NVMLError_GpuIsLost:
            raise
        except self._nvml.NVMLError:
            return None


def _address(handle: Any) -> int | None:
    return ctypes.cast(handle, ctypes.c_void_p).value


def _sum(sizes: list[int | None]) -> int | None:
    """The sum; None if one of the sizes is unknown."""
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
