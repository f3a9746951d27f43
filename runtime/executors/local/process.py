"""A running trial's main process, which leads a session and a process group of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from abc import ABC, abstractmethod

from annotate.errors import AnnotateError
from runtime.executors.base import Job
from runtime.executors.local import leftovers
from runtime.executors.local.memory import prefer_as_victim


class Process(ABC):
    """Until it is reaped, nobody else can get its number or its group's."""

    #: Becomes readable when the process ends; -1 where the end comes to be known otherwise.
    pidfd = -1
    #: Whether its end is only known by looking again and again.
    polled = False
    #: Whether what it ran under has ended and took it along.
    lost = False
    pid: int

    @abstractmethod
    def code(self) -> int | None:
        """Its exit code, or minus the number of the signal that ended it; None while it runs."""

    @abstractmethod
    def signal(self, number: int) -> None:
        """To its whole process group, whatever is left of that."""

    @abstractmethod
    def finish(self) -> None:
        """It has ended: ask what is left of its group to end too."""

    @abstractmethod
    def reap(self) -> None:
        """End by force what is left of its group, and give its number back."""


class Child(Process):
    """An ordinary process, a child of this one. Raises AnnotateError where it can't be started."""

    def __init__(self, job: Job, mark: int | None = None) -> None:
        self._popen = _spawn(job)
        self.pid = self._popen.pid
        if mark is not None:
            leftovers.put(mark, self.pid)
        prefer_as_victim(self.pid)
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):  # a kernel or a sandbox without it
                self.pidfd = os.pidfd_open(self.pid)
        self.polled = self.pidfd < 0

    def code(self) -> int | None:
        if not hasattr(os, "waitid"):
            return self._popen.poll()
        try:
            result = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return -signal.SIGKILL  # somebody else reaped it: how it ended is lost
        if result is None:
            return None
        return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def finish(self) -> None:
        self.signal(signal.SIGTERM)

    def reap(self) -> None:
        self.signal(signal.SIGKILL)
        self._popen.wait()


def _spawn(job: Job) -> subprocess.Popen[bytes]:
    try:
        with job.folder.stdout.open("ab") as stdout, job.folder.stderr.open("ab") as stderr:
            return subprocess.Popen(
                job.command,
                cwd=job.cwd,
                env=dict(job.environment),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
    except OSError as error:
        raise AnnotateError(
            f"{job.command[0]} cannot be started: {error.strerror or error}",
            hint="name the interpreter with --python",
        ) from None
