"""One run of a trial on another machine, and our copy of what it writes there."""

from __future__ import annotations

import threading
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

    def clear(self) -> None:
        """Remove what an earlier run of the trial wrote."""
        for name in FILES:
            (self.folder.path / name).unlink(missing_ok=True)

    def files(self) -> dict[str, bytes]:
        """The files of its folder that the run needs there, by name."""
        paths = {path.relative_to(self.folder.path).as_posix(): path for path in self._paths()}
        return {
            name: path.read_bytes()
            for name, path in paths.items()
            if name not in FILES and not name.startswith("output/")
        }

    def _paths(self) -> list[Path]:
        return [path for path in sorted(self.folder.path.rglob("*")) if path.is_file()]

    def offsets(self) -> dict[str, int]:
        """How many bytes of each file have come home."""
        return {name: _size(self.folder.path / name) for name in FILES}

    def append(self, name: str, offset: int, data: bytes) -> Path | None:
        """Append what we lack of a file; returns its path if something was new."""
        path = self.folder.path / name
        have = _size(path)
        new = data[max(0, have - offset) :]
        if offset > have or not new:
            return None
        with path.open("ab") as file:
            file.write(new)
        return path

    def write_output(self, name: str, offset: int, data: bytes) -> None:
        """Write a part of a file of the output folder."""
        path = (self.folder.path / name).resolve()
        if not path.is_relative_to(self.folder.output.resolve()):
            raise ValueError(f"{name} leaves the output folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(data)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
