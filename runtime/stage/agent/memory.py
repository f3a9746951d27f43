"""Measures the memory of a trial, and detects kills by the kernel's out-of-memory killer."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

#: Makes the out-of-memory killer choose a trial rather than the driver.
OOM_SCORE = 300
_OOM_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def memory_used(pid: int, limit: int) -> int:
    """Memory of the process and its descendants in bytes, with shared pages counted once.

    An overestimate that counts shared pages several times is returned if it is within `limit`,
    because it is much cheaper to compute.
    """
    import psutil

    try:
        main = psutil.Process(pid)
        processes = [main, *main.children(recursive=True)]
    except psutil.Error:
        return 0
    resident = sum(_measure(process, "rss") for process in processes)
    return resident if resident <= limit else sum(_measure(p, "pss") for p in processes)


def _measure(process: object, kind: str) -> int:
    import psutil

    assert isinstance(process, psutil.Process)
    try:
        if kind == "rss":
            return int(process.memory_info().rss)
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.uss))
    except psutil.Error:
        return 0  # the process ended


def prefer_as_oom_victim(pid: int) -> None:
    """Have the out-of-memory killer choose this process before any that is not a trial."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(OOM_SCORE))


class OomKills:
    """Watches how many processes the out-of-memory killer has killed."""

    def __init__(self) -> None:
        self._count = _count_oom_kills()

    def has_increased(self) -> bool | None:
        """Whether it killed any since the last call; None if the system keeps no count."""
        before, self._count = self._count, _count_oom_kills()
        return None if before is None or self._count is None else self._count > before


def _count_oom_kills() -> int | None:
    for path in _counter_files():
        with contextlib.suppress(OSError):
            match = _OOM_KILLS.search(path.read_text())
            if match:
                return int(match[1])
    return None


def _counter_files() -> Iterator[Path]:
    """Files with the count: first this process's control group's, then the whole system's."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            number, names, path = line.split(":", 2)
            if number == "0":
                yield Path("/sys/fs/cgroup" + path, "memory.events")
            elif "memory" in names.split(","):
                yield Path("/sys/fs/cgroup/memory" + path, "memory.oom_control")
    yield Path("/proc/vmstat")
