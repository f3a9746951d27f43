"""How much memory a trial uses, and whether the system ended one because there was too little."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

#: What makes the system, where memory runs out, choose a trial rather than the driver.
OOM_SCORE = 300
_COUNT = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def used(pid: int, enough: int) -> int:
    """Bytes in memory of the process and of all that it started.

    What processes share is counted once among them; where a rough count that says more is not
    above `enough` anyway, that is returned.
    """
    import psutil

    try:
        main = psutil.Process(pid)
        processes = [main, *main.children(recursive=True)]
    except psutil.Error:
        return 0
    rough = sum(_of(process, "rss") for process in processes)
    return rough if rough <= enough else sum(_of(process, "pss") for process in processes)


def _of(process: object, kind: str) -> int:
    import psutil

    assert isinstance(process, psutil.Process)
    try:
        if kind == "rss":
            return int(process.memory_info().rss)
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.uss))
    except psutil.Error:
        return 0  # it has ended


def prefer_as_victim(pid: int) -> None:
    """Where memory runs out, let the system end this process before those that are not trials."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(OOM_SCORE))


class SystemKills:
    """The processes that the system has ended for want of memory, as far as it counts them."""

    def __init__(self) -> None:
        self._count = _count()

    def more(self) -> bool | None:
        """Whether there are more than at the last call; None where the system does not count."""
        before, self._count = self._count, _count()
        return None if before is None or self._count is None else self._count > before


def _count() -> int | None:
    for path in _counters():
        with contextlib.suppress(OSError):
            found = _COUNT.search(path.read_text())
            if found:
                return int(found[1])
    return None


def _counters() -> Iterator[Path]:
    """The files that count: of this process's own control group, else of the whole system."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            number, names, path = line.split(":", 2)
            if number == "0":
                yield Path("/sys/fs/cgroup" + path, "memory.events")
            elif "memory" in names.split(","):
                yield Path("/sys/fs/cgroup/memory" + path, "memory.oom_control")
    yield Path("/proc/vmstat")
