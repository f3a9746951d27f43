"""Sends the files that a trial left in its output folder."""

from __future__ import annotations

import os
import stat
from typing import Iterator, List, Tuple

from runtime.stage.agent.link import Link
from runtime.stage.agent.runs import Run

_CHUNK = 1 << 20  # bytes


def send(driver: Link, run: Run) -> List[str]:
    """Queue the files for the driver, up to the run's limit; returns the names of those left."""
    left, limit = [], run.limit
    for path, size in _files(os.path.join(run.folder, "output")):
        name = os.path.relpath(path, run.folder)
        if size > limit:
            left.append(name)
            continue
        limit -= size
        try:
            with open(path, "rb") as file:
                _send_file(driver, run.name, name, file.read(size))
        except OSError:
            left.append(name)
    return left


def _send_file(driver: Link, run: str, name: str, data: bytes) -> None:
    for offset in range(0, max(1, len(data)), _CHUNK):
        about = {"event": "file", "run": run, "path": name, "offset": offset, "size": len(data)}
        driver.send(about, data[offset : offset + _CHUNK])


def _files(folder: str) -> Iterator[Tuple[str, int]]:
    """The regular files below the folder, and their sizes."""
    for above, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(above, name)
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode):
                yield path, status.st_size
