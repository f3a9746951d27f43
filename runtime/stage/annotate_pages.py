"""Fewer and larger pages for the memory that all trials share.

A fork copies the table of its parent's pages, and the end of a process gives it back: with torch
imported, that is most of what a short trial costs. In large pages the table is a five-hundredth.
What a trial then writes to is copied in small pages as before. Linux 6.1 and newer can do it.
"""

import ctypes

_MADV_COLLAPSE = 25
_SIZE = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"


class Pieces:
    """What of this process's own memory large pages can hold, to be gathered piece by piece."""

    def __init__(self, libc):
        self._madvise = libc.madvise
        self._size = _size()
        self._starts = list(_starts(self._size)) if self._size else []

    def __len__(self):
        return len(self._starts)

    def gather(self):
        """Gather the next one; where the system can't, it stays as it is."""
        start = ctypes.c_void_p(self._starts.pop())
        self._madvise(start, ctypes.c_size_t(self._size), _MADV_COLLAPSE)


def _size():
    try:
        with open(_SIZE) as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def _starts(size):
    """Where the pieces begin: proc_pid_maps(5), memory that is of no file and can be written."""
    with open("/proc/self/maps") as file:
        lines = file.readlines()
    for line in lines:
        place, may, _, _, inode = line.split()[:5]
        if may == "rw-p" and inode == "0":
            first, end = (int(part, 16) for part in place.split("-"))
            first = -(-first // size) * size
            yield from range(first, end - size + 1, size)
