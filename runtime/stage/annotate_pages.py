"""Collapses the memory that all trials share into large pages.

A fork copies its parent's page table, and frees it at the end: with torch imported, that is most
of the cost of a short trial. With large pages the table is 500 times smaller. Memory that a trial
writes to is still copied in small pages. Needs Linux 6.1.
"""

import ctypes

_MADV_COLLAPSE = 25
_SIZE = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"


class Pieces:
    """The parts of this process's memory that fit a large page, to be collapsed one by one."""

    def __init__(self, libc):
        self._madvise = libc.madvise
        self._size = _size()
        self._starts = list(_starts(self._size)) if self._size else []

    def __len__(self):
        return len(self._starts)

    def gather(self):
        """Collapse the next part, if the system can."""
        start = ctypes.c_void_p(self._starts.pop())
        self._madvise(start, ctypes.c_size_t(self._size), _MADV_COLLAPSE)


def _size():
    try:
        with open(_SIZE) as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def _starts(size):
    """Addresses of aligned parts of writable memory that belongs to no file (proc_pid_maps(5))."""
    with open("/proc/self/maps") as file:
        lines = file.readlines()
    for line in lines:
        place, may, _, _, inode = line.split()[:5]
        if may == "rw-p" and inode == "0":
            first, end = (int(part, 16) for part in place.split("-"))
            first = -(-first // size) * size
            yield from range(first, end - size + 1, size)
