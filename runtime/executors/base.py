"""The executor contract: start and stop trials somewhere, and report what happens to them.

An executor is a folder beside this file with a subclass of `Executor`; `runtime.driver` builds it.
Its tests inherit `tests/runtime/executors/conformance.py`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from annotate.json_value import JSON
from runtime.core.metrics import Batch
from runtime.core.paths import TrialFolder
from runtime.stage.agent.gpus.device import View
from runtime.stage.agent.gpus.locks import Holder


@dataclass(frozen=True, slots=True)
class Job:
    """One trial to run: a script of the snapshot, or a command.

    `argv` is the script and its arguments; if it is None, `command` runs instead. `folder` is the
    trial's in the experiment; what it writes comes there. `variables` are the trial's own, beside
    the environment of the machine that runs it. `isolation` has the options of
    `stage/annotate_isolate.py` if the trial gets a working folder of its own. `memory` is the
    trial's limit in bytes. If it leases GPUs of another machine, `machine` names that one and
    `gpus` are their UUIDs.
    """

    trial: int
    folder: TrialFolder
    argv: tuple[str, ...] | None
    command: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    isolation: Mapping[str, JSON] | None = None
    memory: int | None = None
    machine: str = ""
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """The job has been taken, and its trial waits for a machine; `why` is for users."""

    trial: int
    why: str


@dataclass(frozen=True, slots=True)
class Started:
    """The trial's process started at `time` (seconds since the epoch).

    `pid` is a number of its machine. `place` says where it runs, so that a later driver can take it
    up; None if it does not outlive this one.
    """

    trial: int
    time: float
    pid: int
    place: Mapping[str, JSON] | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """The trial appended to its metrics file.

    If `handled` is given, more reports are pending; the executor reads them once it is set.
    """

    trial: int
    batch: Batch
    handled: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The trial's process ended. Everything it reported was posted before this.

    `code` is its exit code, or the negative number of the signal that killed it. `cause` explains
    the end if the executor knows more than the code says. `lost` means that the trial was cut off
    through no fault of its own and may run again; `cancelled` that a person or an engine ended it
    on purpose.
    """

    trial: int
    time: float
    code: int
    cause: str | None = None
    lost: bool = False
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Cleared:
    """Nothing that the trial started runs any more, a while after its process ended."""

    trial: int


@dataclass(frozen=True, slots=True)
class NewView:
    """A new view of a machine's GPUs; `machine` is "" for this one.

    The rest is about other machines. `held` are the locks that we hold there, by the GPU's UUID:
    the claim's token and when it came, on the clock of the view. `others` says who else holds a
    lock that we have claimed. `visible` is the machine's CUDA_VISIBLE_DEVICES. `slots` is how many
    trials it takes. `away` says why it cannot be reached now, and `gone` that it is used no more;
    then there is no view.
    """

    view: View
    machine: str = ""
    held: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    others: Mapping[str, Holder] = field(default_factory=dict)
    visible: str | None = None
    slots: int | None = None
    away: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Broke:
    """The executor failed because of a bug of ours, and posts nothing more."""

    error: Exception


Event: TypeAlias = Waiting | Started | Reported | Ended | Cleared | NewView | Broke
MakeExecutor: TypeAlias = "Callable[[Callable[[Event], None]], Executor]"


class Executor(ABC):
    """Runs jobs. Posts for each job: one Started, any number of Reported, one Ended, one Cleared.

    Before Started, any number of Waiting.
    A trial that is running again by then is not cleared. A job that is stopped before its process
    exists gets no Started. A job that cannot be started raises AnnotateError from `start` and posts
    nothing, or ends with the reason as its cause. `post` may be called from any thread.
    """

    #: How many trials may run at a time, if the executor knows better than `--concurrency auto`.
    room: int | None = None

    def __init__(self, post: Callable[[Event], None]) -> None:
        self.post = post

    @abstractmethod
    def start(self, job: Job) -> None:
        """Start `job` without waiting for it. Its trial must not be running already."""

    def take_up(self, trial: int, folder: TrialFolder, place: Mapping[str, JSON] | None) -> bool:
        """Follow a trial that an earlier driver started at `place`; False if it must run again.

        It posts what a started job does: Started, all its reports from the first, Ended.
        """
        return False

    @abstractmethod
    def stop(self, trial: int, *, grace: float) -> None:
        """Ask the trial to end, and kill it after `grace` seconds.

        Does nothing if the trial is not running.
        """

    def claim_gpus(self, machine: str, claims: Mapping[str, int], *, watch: bool) -> None:
        """Have another machine lock these GPUs, by UUID the claim's token, and post a view.

        It posts more of them while `watch` is set. The claims replace all earlier ones.
        """
        raise NotImplementedError

    def refuse(self, machine: str, reason: str, hint: str) -> None:
        """Use the machine no more, for this reason."""
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Kill everything that still runs, and release all resources."""
