"""A running trial's main process, which leads its own session and process group."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from typing import Any

from runtime.stage.agent import leftovers
from runtime.stage.agent.isolating import launcher
from runtime.stage.agent.memory import prefer_as_oom_victim
from runtime.stage.agent.task import CannotStart, Task


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
    """A child of this process. Raises CannotStart."""

    def __init__(self, task: Task, umask: int, mark: int | None = None) -> None:
        self._popen = _spawn(task, umask)
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


def _spawn(task: Task, umask: int) -> subprocess.Popen[bytes]:
    try:
        with open(task.stdin or os.devnull, "rb") as stdin, open(task.stdout, "ab") as stdout, open(
            task.stderr, "ab"
        ) as stderr:
            return subprocess.Popen(
                task.command if task.isolation is None else launcher(task.isolation, task.command),
                cwd=task.cwd,
                env=dict(task.environment),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                **umask_option(umask),
            )
    except OSError as error:
        raise CannotStart(
            f"{task.command[0]} cannot be started: {error.strerror or error}",
            hint="pass the interpreter with --python",
        ) from None


def umask_option(umask: int) -> dict[str, Any]:
    """The argument of Popen that gives the process this umask."""
    if sys.version_info >= (3, 9):
        return {"umask": umask}

    def set_umask() -> None:
        os.umask(umask)

    return {"preexec_fn": set_umask}
