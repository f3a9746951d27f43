"""Decides how many trials share a GPU."""

from __future__ import annotations

import re
from collections.abc import Iterable

from runtime.core.options import AUTO, Auto
from runtime.stage.agent.gpus.device import EXCLUSIVE, Device, size

_MAX_TRIALS = 8  # per GPU, regardless of measurements
_MARGIN = 1.1  # expected peak of a trial, relative to the highest peak so far
_USABLE = 0.95  # share of a GPU's memory; processes use some that NVML attributes to nobody
_FULL = 100.0  # percent of a GPU's time

#: Errors of trials that ran out of GPU memory: from CUDA, its libraries and their direct callers
#: (Triton, NCCL, CatBoost, LightGBM), PyTorch, TensorFlow and JAX, CuPy.
_OUT_OF_MEMORY = re.compile(
    r"CUDA out of memory|torch(?:\.cuda)?\.OutOfMemoryError"
    r"|(?:CUDA error(?: 2)?:|\[CUDA\]:?|[Cc]udaMalloc failed:) out of memory"
    r"|Cuda failure(?: 2)? 'out of memory'|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation"
    r"|CU(?:BLAS|DNN|SOLVER|SPARSE|FFT)_(?:STATUS_)?ALLOC_FAILED"
    # The only message of a library that lacks the memory even to start.
    r"|CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate"
    r"|OOM when allocating tensor|ResourceExhaustedError:.* failed to allocate memory"
    r"|R(?:ESOURCE_EXHAUSTED|esource exhausted): (?:Out of memory|[Ff]ailed to allocate)"
    r"|cupy\.cuda\.memory\.OutOfMemoryError|cudaErrorOutOfMemory"
)


def out_of_memory(text: str) -> bool:
    """Whether a trial's output shows that it ran out of GPU memory."""
    return _OUT_OF_MEMORY.search(text) is not None


class Packing:
    """Allows `limit` trials per GPU or, if it is "auto", as many as measurements suggest.

    Before the first measurement, each trial has its GPU alone. Afterwards the number follows from
    the highest memory peak of any trial, and from the trials' mean utilisation.
    """

    def __init__(self, limit: int | Auto) -> None:
        self._limit = limit
        self._peak = 0  # highest memory of one trial on one GPU, in bytes
        self._busy: list[float] = []  # each trial's mean utilisation of a GPU, in percent
        self._cap: int | None = None  # set when trials on the same GPU ran out of its memory

    def measured(self, peak: int, utilisation: float | None) -> None:
        """Record an ended trial: its peak on one GPU in bytes, its mean utilisation in percent."""
        self._peak = max(self._peak, peak)
        if utilisation is not None:
            self._busy.append(utilisation)

    def lower(self, together: int) -> None:
        """Record that this many trials together ran out of a GPU's memory."""
        self._cap = max(1, min(self._cap or together, together) - 1)

    def capacity(self, device: Device) -> int:
        """How many trials the GPU may run at a time."""
        return min(number for number, _ in self._limits(device))

    def reason(self, device: Device) -> str:
        """Why the GPU may not run more trials than that."""
        return min(self._limits(device), key=lambda limit: limit[0])[1]

    def _limits(self, device: Device) -> Iterable[tuple[int, str]]:
        if device.mode == EXCLUSIVE:
            yield 1, "its compute mode allows one process"
        if self._cap is not None:
            yield self._cap, f"{self._cap + 1} trials together ran out of its memory"
        if self._limit != AUTO:
            yield self._limit, f"--trials-per-gpu is {self._limit}"
        elif not self._peak:
            yield 1, "the needs of a trial have not been measured yet"
        else:
            yield from self._measured_limits(device)

    def _measured_limits(self, device: Device) -> Iterable[tuple[int, str]]:
        yield _MAX_TRIALS, f"at most {_MAX_TRIALS} trials share a GPU"
        by_memory = int(device.total * _USABLE / (self._peak * _MARGIN))
        need = f"trials needed up to {size(self._peak)} of its {size(device.total)}"
        yield max(1, by_memory), need
        if self._busy:
            busy = sum(self._busy) / len(self._busy)
            by_time = int(_FULL / busy) if busy else _MAX_TRIALS
            yield max(1, by_time), f"each trial kept a GPU {busy:.0f} % busy"
