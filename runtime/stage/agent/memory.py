"""Measures the memory of a trial, and detects kills by the kernel's out-of-memory killer."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from typing import Iterator

#: Makes the out-of-memory killer choose a trial rather than the driver.
OOM_SCORE = 300
_OOM_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)
_PSS = re.compile(r"^Pss: *(\d+) kB$", re.MULTILINE)


def memory_used(pid: int, limit: int) -> int:
    """Memory of the process and its descendants in bytes, with shared pages counted once.

    An overestimate that counts shared pages several times is returned if it is within `limit`,
    because it is much cheaper to compute.
    """
    sizes = _processes() if sys.platform.startswith("linux") else _processes_by_ps()
    family = {pid} & sizes.keys()
    grows = True
    while grows:
        children = {p for p, (parent, _) in sizes.items() if parent in family} - family
        family |= children
        grows = bool(children)
    resident = sum(sizes[p][1] for p in family)
    return resident if resident <= limit else sum(_proportional(p, sizes[p][1]) for p in family)


def _processes() -> dict[int, tuple[int, int]]:
    """Each process's parent and resident memory in bytes, by process ID."""
    page, processes = os.sysconf("SC_PAGE_SIZE"), {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it ended
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            processes[int(name)] = int(fields[1]), int(fields[21]) * page
    return processes


def _processes_by_ps() -> dict[int, tuple[int, int]]:
    done = subprocess.run(
        ["ps", "-axo", "pid=,ppid=,rss="], stdout=subprocess.PIPE, check=False, timeout=60
    )
    rows = (map(int, line.split()) for line in done.stdout.splitlines())
    return {pid: (parent, resident * 1024) for pid, parent, resident in rows}


def _proportional(pid: int, resident: int) -> int:
    """The process's memory with each shared page divided among those that share it."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            match = _PSS.search(file.read())
    except FileNotFoundError:
        return resident  # another system, an old kernel, or the process ended
    except OSError:
        return 0
    return int(match[1]) * 1024 if match else resident


def prefer_as_oom_victim(pid: int) -> None:
    """Have the out-of-memory killer choose this process before any that is not a trial."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "w") as file:
        file.write(str(OOM_SCORE))


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
            with open(path) as file:
                match = _OOM_KILLS.search(file.read())
            if match:
                return int(match[1])
    return None


def _counter_files() -> Iterator[str]:
    """Files with the count: first this process's control group's, then the whole system's."""
    with contextlib.suppress(OSError), open("/proc/self/cgroup") as file:
        for line in file.read().splitlines():
            number, names, path = line.split(":", 2)
            if number == "0":
                yield f"/sys/fs/cgroup{path}/memory.events"
            elif "memory" in names.split(","):
                yield f"/sys/fs/cgroup/memory{path}/memory.oom_control"
    yield "/proc/vmstat"
