"""Trials as ordinary processes on this machine, each in a session of its own."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from annotate.errors import AnnotateError
from runtime.executors.base import Ended, Event, Executor, Job, Reported, Started
from runtime.metrics import MetricsFile

_TICK = 0.1  # seconds between two looks at what running trials reported
_TICK_WITHOUT_PIDFD = 0.02  # where the end of a process can only be polled for
_REST_GRACE = 2.0  # seconds that what a trial left running has to end by itself


@dataclass(slots=True)
class _Process:
    job: Job
    popen: subprocess.Popen[bytes]
    metrics: MetricsFile
    pidfd: int = -1
    kill_at: float | None = None  # monotonic seconds


class LocalExecutor(Executor):
    """Starts a process for each trial and follows them all from one thread."""

    def __init__(self, post: Callable[[Event], None]) -> None:
        super().__init__(post)
        self._processes: dict[int, _Process] = {}
        self._leftovers: list[_Process] = []  # ended, their groups not yet; the thread's own
        self._lock = threading.Lock()
        self._closing = False
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._follow, name="local-executor", daemon=True)
        self._thread.start()

    def start(self, job: Job) -> None:
        popen = _spawn(job)
        process = _Process(job, popen, MetricsFile(job.folder.metrics))
        self.post(Started(job.trial, time.time(), popen.pid))
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):  # a kernel or a sandbox without it
                process.pidfd = os.pidfd_open(popen.pid)
        with self._lock:
            self._processes[job.trial] = process
            if process.pidfd >= 0:
                self._selector.register(process.pidfd, selectors.EVENT_READ)
        self._wake()

    def stop(self, trial: int, *, grace: float) -> None:
        with self._lock:
            process = self._processes.get(trial)
            if process is None:
                return
            _signal(process, signal.SIGTERM)
            process.kill_at = time.monotonic() + grace
        self._wake()

    def close(self) -> None:
        self._closing = True
        self._wake()
        self._thread.join()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b".")

    def _follow(self) -> None:
        while True:
            self._selector.select(self._timeout())
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
            for process in self._running():
                self._look_at(process)
            self._leftovers = [p for p in self._leftovers if not self._cleared(p)]
            if self._closing and not self._running() and not self._leftovers:
                return

    def _running(self) -> list[_Process]:
        with self._lock:
            return list(self._processes.values())

    def _timeout(self) -> float | None:
        running = self._running()
        if self._closing or any(p.pidfd < 0 for p in running):
            return _TICK_WITHOUT_PIDFD
        return _TICK if running or self._leftovers else None

    def _look_at(self, process: _Process) -> None:
        # Whether it has ended is asked before its reports are read, so that none is missed.
        code = _exit_code(process.popen)
        self._read(process, to_the_end=code is not None)
        if code is not None:
            self._end(process, code)
        elif self._is_due(process):
            _signal(process, signal.SIGKILL)

    def _is_due(self, process: _Process) -> bool:
        due = process.kill_at is not None and time.monotonic() >= process.kill_at
        return self._closing or due

    def _read(self, process: _Process, *, to_the_end: bool) -> None:
        while batch := process.metrics.read():
            self.post(Reported(process.job.trial, batch))
            if not to_the_end:
                return

    def _end(self, process: _Process, code: int) -> None:
        """The main process has ended; whatever it left running in its session goes too.

        It is reaped only after that: until then nobody else can get its process group's number.
        """
        with self._lock:
            del self._processes[process.job.trial]
            if process.pidfd >= 0:
                self._selector.unregister(process.pidfd)
                os.close(process.pidfd)
        _signal(process, signal.SIGTERM)
        process.kill_at = time.monotonic() + _REST_GRACE
        self._leftovers.append(process)
        self.post(Ended(process.job.trial, time.time(), code))

    def _cleared(self, process: _Process) -> bool:
        """Whether all that the ended trial left running is gone, by force if it was time."""
        if not self._is_due(process):
            return False
        _signal(process, signal.SIGKILL)
        process.popen.wait()
        return True


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


def _exit_code(popen: subprocess.Popen[bytes]) -> int | None:
    """How the process ended, not reaping it where the system can tell without; None: it runs."""
    if not hasattr(os, "waitid"):
        return popen.poll()
    try:
        result = os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return -signal.SIGKILL  # somebody else reaped it: how it ended is lost
    if result is None:
        return None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


def _signal(process: _Process, number: int) -> None:
    """To the trial's whole process group, which is still its own as it is not reaped yet."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.popen.pid, number)
