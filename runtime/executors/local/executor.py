"""Trials as processes on this machine, each in a session of its own."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from annotate.errors import AnnotateError
from runtime.core.metrics import MetricsFile
from runtime.executors.base import Ended, Event, Executor, Job, Reported, Started
from runtime.executors.local import leftovers
from runtime.executors.local.fork_server import Forked, ForkServer, Unable, Warm
from runtime.executors.local.leftovers import Watchdog
from runtime.executors.local.memory import SystemKills, used
from runtime.executors.local.process import Child, Process
from runtime.system.units import size

_TICK = 0.1  # seconds between two looks at what running trials reported
_TICK_POLLED = 0.02  # where the end of a process can only be polled for
_REST_GRACE = 2.0  # seconds that what a trial left running has to end by itself
_MOST_SERVERS = 4  # one that ends over and over again is not started any more
_SWEEP = 1.0  # seconds from one look at all processes of the system to the next
_USE = 0.5  # seconds from one look at the trials' memory and output to the next
_MOST_OUTPUT = 1 << 30  # bytes that a trial may write to its standard output, and to its errors


@dataclass(slots=True)
class _Running:
    job: Job
    process: Process
    metrics: MetricsFile
    kill_at: float | None = None  # monotonic seconds
    cause: str | None = None  # why it was ended here, where it was
    untaken: threading.Event | None = None  # what is not set before there is time for more reports


class LocalExecutor(Executor):
    """Starts a process for each trial and follows them all from one thread.

    Where `warm` is given, trials are forked from it; where they can't be, the log says why.
    Where `stage` is, the folder that all trials have on their path, no process of theirs outlives
    this one, however it ends, nor did one of an executor before this.
    """

    def __init__(
        self,
        post: Callable[[Event], None],
        warm: Warm | None = None,
        stage: str | None = None,
    ) -> None:
        super().__init__(post)
        self._stage = stage
        if stage is not None:
            leftovers.end_all(leftovers.of_experiment(stage))
            self._watchdog = Watchdog(stage)
        self._kills = SystemKills()
        self._swept = self._measured = time.monotonic()
        self._trials: dict[int, _Running] = {}
        # Ended, their groups not yet; the first is the first to be due. The thread's own.
        self._leftovers: deque[_Running] = deque()
        self._lock = threading.RLock()
        self._closing = False
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._server: ForkServer | None = None
        self._servers = 0
        if warm is not None:
            self._start_server(warm)
        self._thread = threading.Thread(target=self._follow, name="local-executor", daemon=True)
        self._thread.start()

    def start(self, job: Job) -> None:
        with self._lock:
            if self._server is not None and self._server.takes(job):
                forked = self._server.start(job, self._mark(job))
                self._trials[job.trial] = _begun(job, forked)
                return
            child = Child(job, self._mark(job))
            self.post(Started(job.trial, time.time(), child.pid))
            self._trials[job.trial] = _begun(job, child)
            self._watch(child)
        self._wake()

    def stop(self, trial: int, *, grace: float) -> None:
        with self._lock:
            running = self._trials.get(trial)
            if running is None:
                return
            running.process.signal(signal.SIGTERM)
            running.kill_at = time.monotonic() + grace
        self._wake()

    def close(self) -> None:
        self._closing = True
        self._wake()
        self._thread.join()
        if self._server is not None:
            self._server.close()
        if self._stage is not None:
            leftovers.end(leftovers.of_experiment(self._stage))
            self._watchdog.close()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    # The fork server

    def _start_server(self, warm: Warm) -> None:
        self._servers += 1
        try:
            if self._servers > _MOST_SERVERS:
                raise Unable("the server ended too often")
            self._server = ForkServer(warm)
        except (Unable, OSError) as error:
            logging.warning("trials are ordinary processes: %s", error)
        else:
            self._selector.register(self._server, selectors.EVENT_READ)

    def _read_server(self) -> None:
        with self._lock:
            server = self._server
            if server is None:
                return
            try:
                started = server.read()
            except Unable as error:
                self._lose_server(server, error)
            else:
                for forked in started:
                    self.post(Started(forked.job.trial, forked.started, forked.pid))

    def _lose_server(self, server: ForkServer, why: Unable) -> None:
        self._selector.unregister(server)
        self._server = None
        was_ready = server.ready
        waiting = server.lose()
        server.close()
        if self._closing:
            return
        if was_ready:
            logging.error("trials that ran are lost: %s", why)
            self._start_server(server.warm)
        else:
            logging.warning("trials are ordinary processes: %s", why)
        for forked in waiting:
            self._start_instead(self._trials[forked.job.trial])

    def _start_instead(self, running: _Running) -> None:
        """An ordinary process, for what waited for a server that does not come."""
        try:
            running.process = child = Child(running.job, self._mark(running.job))
        except AnnotateError as error:
            assert isinstance(running.process, Forked)
            running.process.fail(str(error))
            return
        self._watch(child)
        self.post(Started(running.job.trial, time.time(), child.pid))

    def _mark(self, job: Job) -> int | None:
        return None if self._stage is None else leftovers.mark(self._stage, job.trial)

    # Following

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b".")

    def _watch(self, child: Child) -> None:
        if child.pidfd >= 0:
            self._selector.register(child.pidfd, selectors.EVENT_READ)

    def _follow(self) -> None:
        while True:
            self._selector.select(self._timeout())
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
            self._read_server()
            for running in self._running():
                self._look_at(running)
            self._check_use()
            self._clear()
            if self._closing and not self._running() and not self._leftovers:
                return

    def _running(self) -> list[_Running]:
        with self._lock:
            return list(self._trials.values())

    def _timeout(self) -> float | None:
        running = self._running()
        if self._closing or any(r.process.polled for r in running):
            return _TICK_POLLED
        return _TICK if running or self._leftovers else None

    def _look_at(self, running: _Running) -> None:
        if running.untaken is not None and not running.untaken.wait(_TICK_POLLED):
            return  # a flood of reports must not fill the memory
        # Whether it has ended is asked before its reports are read, so that none is missed.
        code = running.process.code()
        more = self._read(running)
        if code is not None and not more:
            self._end(running, code)
        elif self._is_due(running):
            with self._lock:
                running.process.signal(signal.SIGKILL)

    def _is_due(self, running: _Running) -> bool:
        due = running.kill_at is not None and time.monotonic() >= running.kill_at
        return self._closing or due

    def _read(self, running: _Running) -> bool:
        """Read what is reported, and say whether there may be more of it."""
        batch = running.metrics.read()
        running.untaken = threading.Event() if batch.more else None
        if batch or batch.more:
            self.post(Reported(running.job.trial, batch, running.untaken))
        return batch.more

    def _end(self, running: _Running, code: int) -> None:
        """The main process has ended; whatever it left running in its session goes too.

        It is reaped only after that: until then nobody else can get its process group's number.
        """
        process = running.process
        with self._lock:
            del self._trials[running.job.trial]
            if process.pidfd >= 0:
                self._selector.unregister(process.pidfd)
                os.close(process.pidfd)
        process.finish()
        cause = running.cause or self._cause(running, code)
        running.kill_at = time.monotonic() + _REST_GRACE
        self._leftovers.append(running)
        self.post(Ended(running.job.trial, time.time(), code, cause, process.lost))

    def _cause(self, running: _Running, code: int) -> str | None:
        killed = code in (-signal.SIGKILL, 128 + signal.SIGKILL)  # itself, or by way of a shell
        if not killed or running.kill_at is not None or running.process.lost:
            return None
        more = self._kills.more()
        if more is None:
            return "ended by SIGKILL: out of memory, or by another program"
        return "out of memory: the system ended it (SIGKILL)" if more else None

    def _clear(self) -> None:
        """End by force all that ended trials left running, and give their numbers back."""
        now, due = time.monotonic(), []
        if not self._closing and now < self._swept + _SWEEP:
            return
        while self._leftovers and self._is_due(self._leftovers[0]):
            due.append(self._leftovers.popleft())
        with self._lock:
            jobs = [r.job for r in due if r.job.trial not in self._trials]  # and none runs again
            if jobs:
                # Also what has left its group: such as the workers of torchrun.
                folders = {job.trial: str(job.folder.path) for job in jobs}
                leftovers.end(leftovers.of_trials(self._stage or "", folders))
                self._swept = now
        for running in due:
            running.process.reap()

    def _check_use(self) -> None:
        now = time.monotonic()
        if now < self._measured + _USE:
            return
        self._measured = now
        for running in self._running():
            if running.cause is None and (cause := _too_much(running)):
                running.cause = cause
                with self._lock:
                    running.process.signal(signal.SIGKILL)


def _too_much(running: _Running) -> str | None:
    """What it used too much of, if anything."""
    job, pid = running.job, running.process.pid
    if job.memory is not None and pid and used(pid, job.memory) > job.memory:
        return f"used more than --memory {size(job.memory)}"
    for file in (job.folder.stdout, job.folder.stderr):
        with contextlib.suppress(OSError):  # not there yet, or deleted
            if file.stat().st_size > _MOST_OUTPUT:
                return f"wrote more than {size(_MOST_OUTPUT)} to {file.name}"
    return None


def _begun(job: Job, process: Process) -> _Running:
    return _Running(job, process, MetricsFile(job.folder.metrics))
