"""What an executor is: it starts and stops trials somewhere, and says what became of them."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from runtime.core.metrics import Batch
from runtime.core.paths import TrialFolder


@dataclass(frozen=True, slots=True)
class Job:
    """One trial to run: `command` in the folder `cwd` with exactly `environment`.

    `argv` is the script and its arguments where `command` runs just that, from the snapshot; an
    executor may then run it by other means. `memory` is the most bytes that the trial may use.
    """

    trial: int
    folder: TrialFolder
    command: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    argv: tuple[str, ...] | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The trial's process runs since `time` (seconds since the epoch)."""

    trial: int
    time: float
    pid: int


@dataclass(frozen=True, slots=True)
class Reported:
    """The trial appended to its metrics.

    Where there is `taken`, there is more to come, which waits for that to be set.
    """

    trial: int
    batch: Batch
    taken: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The trial's process has ended, and all it reported has been posted before this.

    `code` is its exit code, or minus the number of the signal that ended it. `cause` says what
    ended it, where the executor knows better. A trial that is `lost` was cut off through no fault
    of its own, and may run again.
    """

    trial: int
    time: float
    code: int
    cause: str | None = None
    lost: bool = False


Event: TypeAlias = Started | Reported | Ended


class Executor(ABC):
    """Runs jobs, posting for each one Started, any number of Reported, and one Ended.

    Where a job is stopped before its process was made, there is no Started.
    `post` may be called from a thread of the executor's own. A job that cannot be started at all
    raises AnnotateError from `start` and posts nothing.
    """

    def __init__(self, post: Callable[[Event], None]) -> None:
        self.post = post

    @abstractmethod
    def start(self, job: Job) -> None:
        """Run `job` without waiting for it; its number must not be running already."""

    @abstractmethod
    def stop(self, trial: int, *, grace: float) -> None:
        """Ask the trial to end, and end it by force after `grace` seconds.

        Nothing happens where it does not run (any more).
        """

    @abstractmethod
    def close(self) -> None:
        """End by force what still runs, and give everything back."""
