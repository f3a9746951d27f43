"""A running trial's main process, which leads its own session and process group."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from annotate.errors import AnnotateError
from runtime.executors.base import Job
from runtime.executors.local import leftovers
from runtime.executors.local.isolating import launcher
from runtime.executors.local.memory import prefer_as_oom_victim
from runtime.system.private import users_umask


class Process(ABC):
    """A process and its group. The system cannot reuse its number until `reap` is called."""

    #: A descriptor that becomes readable when the process ends; -1 if there is none.
    pidfd = -1
    #: Whether the end of the process can only be detected by polling.
    polled = False
    #: Whether the process ended only because its fork server did.
    lost = False
    pid: int

    @abstractmethod
    def code(self) -> int | None:
        """The exit code, or the negative number of the fatal signal; None while it runs."""

    @abstractmethod
    def signal(self, number: int) -> None:
        """Send the signal to the process group."""

    @abstractmethod
    def finish(self) -> None:
        """After the process ended: ask the rest of its group to end too."""

    @abstractmethod
    def reap(self) -> None:
        """Kill the rest of the group, and let the system reuse the process's number."""


class ChildProcess(Process):
    """A child of this process. Raises AnnotateError if it cannot be started."""

    def __init__(self, job: Job, mark: int | None = None) -> None:
        self._popen = _spawn(job)
        self.pid = self._popen.pid
        if mark is not None:
            leftovers.apply_mark(mark, self.pid)
        prefer_as_oom_victim(self.pid)
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):  # not supported by the kernel or sandbox
                self.pidfd = os.pidfd_open(self.pid)
        self.polled = self.pidfd < 0

    def code(self) -> int | None:
        if not hasattr(os, "waitid"):
            return self._popen.poll()
        try:
            result = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return -signal.SIGKILL  # reaped by other code: the real exit code is unknown
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
        with (
            (job.stdin or Path(os.devnull)).open("rb") as stdin,
            job.folder.stdout.open("ab") as stdout,
            job.folder.stderr.open("ab") as stderr,
        ):
            return subprocess.Popen(
                job.command if job.isolation is None else launcher(job.isolation, job.command),
                cwd=job.cwd,
                env=dict(job.environment),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                umask=users_umask(),
            )
    except OSError as error:
        raise AnnotateError(
            f"{job.command[0]} cannot be started: {error.strerror or error}",
            hint="pass the interpreter with --python",
        ) from None
