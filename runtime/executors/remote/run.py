"""One run of a trial on another machine, and our copy of what it writes there."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runtime.core.metrics import MetricsFile
from runtime.core.paths import TrialFolder
from runtime.executors.base import Job
from runtime.executors.remote.machine import Machine
from runtime.stage.agent.runs import FILES


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended, as in `Ended`; without `when` it ended now."""

    code: int
    cause: str | None = None
    lost: bool = False
    cancelled: bool = False
    when: float | None = None


@dataclass(slots=True)
class Run:
    """One run of a trial. `machine` is None until one is chosen for it; `why` says why it waits."""

    trial: int
    name: str
    folder: TrialFolder
    job: Job | None  # None if an earlier driver started it
    metrics: MetricsFile
    machine: Machine | None = None
    why: str | None = None
    give_up_at: float | None = None  # monotonic seconds
    handled: threading.Event | None = None
    gpus: tuple[str, ...] = ()  # UUIDs of the GPUs that it leases

    def clear(self) -> None:
        """Remove what an earlier run of the trial wrote."""
        for name in FILES:
            with contextlib.suppress(FileNotFoundError):
                (self.folder.path / name).unlink()

    def files(self) -> dict[str, bytes]:
        """The files of its folder that the run needs there, by name."""
        found = _files(self.folder.path, "")
        return {name: path.read_bytes() for name, path in found if name not in FILES}

    def offsets(self) -> dict[str, int]:
        """How many bytes of each file have come home."""
        return {name: _size(self.folder.path / name) for name in FILES}

    def append(self, name: str, offset: int, data: bytes) -> bool:
        """Append what we lack of a file; returns whether something was new."""
        with (self.folder.path / name).open("ab") as file:
            have = os.fstat(file.fileno()).st_size
            new = data[max(0, have - offset) :]
            if offset > have or not new:
                return False
            file.write(new)
        return True

    def write_output(self, name: str, offset: int, data: bytes) -> None:
        """Write a part of a file of the output folder."""
        path = (self.folder.path / name).resolve()
        if not path.is_relative_to(self.folder.output.resolve()):
            raise ValueError(f"{name} leaves the output folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(data)


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    """Names and paths of the files below, except those of the output folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.is_file():
                yield name, Path(entry.path)
            elif entry.is_dir(follow_symlinks=False) and name != "output":
                yield from _files(Path(entry.path), f"{name}/")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
