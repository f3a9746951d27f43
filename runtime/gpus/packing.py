"""How many trials fit on one GPU."""

from __future__ import annotations

import re
from collections.abc import Iterable

from runtime.core.options import AUTO, Auto
from runtime.gpus.device import EXCLUSIVE, Device, size

_MOST = 8  # trials on a GPU, whatever has been measured
_MARGIN = 1.1  # what a trial is expected to need at most, by the most that any needed so far
_USABLE = 0.95  # of a GPU's memory: each process has some that NVML counts as nobody's
_FULL = 100.0  # percent of a GPU's time

#: What trials write that had no room on a GPU: CUDA, its libraries and those who call them
#: directly (Triton, NCCL, CatBoost, LightGBM), PyTorch, TensorFlow and JAX, CuPy.
_OUT_OF_MEMORY = re.compile(
    r"CUDA out of memory|torch(?:\.cuda)?\.OutOfMemoryError"
    r"|(?:CUDA error(?: 2)?:|\[CUDA\]:?|[Cc]udaMalloc failed:) out of memory"
    r"|Cuda failure(?: 2)? 'out of memory'|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation"
    r"|CU(?:BLAS|DNN|SOLVER|SPARSE|FFT)_(?:STATUS_)?ALLOC_FAILED"
    # Where the library can't even begin for want of memory, it says no more than this.
    r"|CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate"
    r"|OOM when allocating tensor|ResourceExhaustedError:.* failed to allocate memory"
    r"|R(?:ESOURCE_EXHAUSTED|esource exhausted): (?:Out of memory|[Ff]ailed to allocate)"
    r"|cupy\.cuda\.memory\.OutOfMemoryError|cudaErrorOutOfMemory"
)


def out_of_memory(text: str) -> bool:
    """Whether a trial's words say that a GPU had no room for it."""
    return _OUT_OF_MEMORY.search(text) is not None


class Packing:
    """At most `limit` trials, or with `auto` as many as fit by measurement.

    Before the first measurement one trial has a GPU for itself. Afterwards memory counts by the
    most that any trial needed, utilisation by the mean of all trials.
    """

    def __init__(self, limit: int | Auto) -> None:
        self._limit = limit
        self._peak = 0  # bytes that one trial had on one GPU, at most
        self._busy: list[float] = []  # percent of a GPU's time, of each trial
        self._cap: int | None = None

    def measured(self, peak: int, utilisation: float | None) -> None:
        """What one trial needed of each of its GPUs: at most, in bytes; on average, in percent."""
        self._peak = max(self._peak, peak)
        if utilisation is not None:
            self._busy.append(utilisation)

    def lower(self, together: int) -> None:
        """So many trials together had not enough memory."""
        self._cap = max(1, min(self._cap or together, together) - 1)

    def fit(self, device: Device) -> int:
        return min(number for number, _ in self._limits(device))

    def why(self, device: Device) -> str:
        """What keeps one more trial away."""
        return min(self._limits(device), key=lambda limit: limit[0])[1]

    def _limits(self, device: Device) -> Iterable[tuple[int, str]]:
        if device.mode == EXCLUSIVE:
            yield 1, "its compute mode lets one process compute"
        if self._cap is not None:
            yield self._cap, f"{self._cap + 1} together ran out of its memory"
        if self._limit != AUTO:
            yield self._limit, f"--trials-per-gpu is {self._limit}"
        elif not self._peak:
            yield 1, "how much a trial needs has not been measured yet"
        else:
            yield from self._measured_limits(device)

    def _measured_limits(self, device: Device) -> Iterable[tuple[int, str]]:
        yield _MOST, f"more than {_MOST} are not packed"
        room = int(device.total * _USABLE / (self._peak * _MARGIN))
        need = f"trials needed up to {size(self._peak)} of its {size(device.total)}"
        yield max(1, room), need
        if self._busy:
            busy = sum(self._busy) / len(self._busy)
            fit = int(_FULL / busy) if busy else _MOST
            yield max(1, fit), f"trials kept a GPU {busy:.0f} % busy"
