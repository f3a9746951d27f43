"""Runs trials as processes on this machine, each in its own session."""

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

from annotate.errors import AnnotateError
from runtime.executors.base import Broke, Ended, Event, Executor, Job, Reported, Started
from runtime.executors.local import leftovers
from runtime.executors.local.fork_server import (
    CannotFork,
    ForkedProcess,
    ForkServer,
    ServerCommand,
)
from runtime.executors.local.leftovers import Watchdog
from runtime.executors.local.memory import OomKills
from runtime.executors.local.process import ChildProcess
from runtime.executors.local.running import RunningTrial

# Intervals in seconds.
_TICK = 0.1  # between two reads of the running trials' metrics files
_TICK_POLLED = 0.02  # the same, if the end of a process can only be detected by polling
_LEFTOVER_GRACE = 2.0  # for processes that a trial left behind to end by themselves
_SWEEP_INTERVAL = 1.0  # between two searches through all processes of the system
_USAGE_INTERVAL = 0.5  # between two measurements of the trials' memory and output
_MAX_SERVERS = 4  # starts of a fork server; one that keeps ending is not started again


class LocalExecutor(Executor):
    """Starts one process per trial, and follows all of them from one thread.

    With `server_command`, trials are forked from that server; if forking fails, the log says why
    and trials are started as new processes. With `stage`, the stage folder of the experiment, all
    processes of its trials end with this one, however it ends, and those that an earlier executor
    left behind are killed first.
    """

    def __init__(
        self,
        post: Callable[[Event], None],
        server_command: ServerCommand | None = None,
        stage: str | None = None,
    ) -> None:
        super().__init__(post)
        self._stage = stage
        if stage is not None:
            leftovers.kill_until_gone(leftovers.of_experiment(stage))
            self._watchdog = Watchdog(stage)
        self._oom_kills = OomKills()
        self._swept = self._measured = time.monotonic()
        self._trials: dict[int, RunningTrial] = {}
        # Trials that ended but may have left processes, earliest deadline first. Used only by
        # self._thread.
        self._leftovers: deque[RunningTrial] = deque()
        self._lock = threading.RLock()
        self._closing = False
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._server: ForkServer | None = None
        self._servers_started = 0
        if server_command is not None:
            self._start_server(server_command)
        self._thread = threading.Thread(target=self._run, name="local-executor", daemon=True)
        self._thread.start()

    def start(self, job: Job) -> None:
        with self._lock:
            if self._server is not None and self._server.takes(job):
                forked = self._server.start(job, self._mark(job))
                self._trials[job.trial] = RunningTrial.of(job, forked)
                return
            child = ChildProcess(job, self._mark(job))
            self.post(Started(job.trial, time.time(), child.pid))
            self._trials[job.trial] = RunningTrial.of(job, child)
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
            leftovers.signal_matching(leftovers.of_experiment(self._stage))
            self._watchdog.close()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    # The fork server

    def _start_server(self, command: ServerCommand) -> None:
        self._servers_started += 1
        try:
            if self._servers_started > _MAX_SERVERS:
                raise CannotFork("the fork server ended too often")
            self._server = ForkServer(command)
        except (CannotFork, OSError) as error:
            _log_no_forking(error)
        else:
            self._selector.register(self._server, selectors.EVENT_READ)

    def _read_server(self) -> None:
        with self._lock:
            server = self._server
            if server is None:
                return
            try:
                started = server.read()
            except CannotFork as error:
                self._replace_server(server, error)
            else:
                for forked in started:
                    self.post(Started(forked.job.trial, forked.started, forked.pid))
                if (why := server.why_stuck()) is not None:
                    server.kill()
                    self._replace_server(server, CannotFork(why))

    def _replace_server(self, server: ForkServer, error: CannotFork) -> None:
        self._selector.unregister(server)
        self._server = None
        was_ready = server.ready
        waiting = server.abandon()
        server.close()
        if self._closing:
            return
        if was_ready:
            logging.error("all running trials are lost: %s", error)
            self._start_server(server.command)
        else:
            _log_no_forking(error)
        for forked in waiting:
            self._start_without_server(self._trials[forked.job.trial])

    def _start_without_server(self, running: RunningTrial) -> None:
        """Start a new process for a trial that was waiting for the server."""
        try:
            running.process = child = ChildProcess(running.job, self._mark(running.job))
        except AnnotateError as error:
            assert isinstance(running.process, ForkedProcess)
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

    def _watch(self, child: ChildProcess) -> None:
        if child.pidfd >= 0:
            self._selector.register(child.pidfd, selectors.EVENT_READ)

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:
            self.post(Broke(error))

    def _follow(self) -> None:
        while True:
            self._selector.select(self._timeout())
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
            self._read_server()
            for running in self._snapshot():
                self._poll(running)
            self._check_usage()
            self._kill_leftovers()
            if self._closing and not self._snapshot() and not self._leftovers:
                return

    def _snapshot(self) -> list[RunningTrial]:
        with self._lock:
            return list(self._trials.values())

    def _timeout(self) -> float | None:
        running = self._snapshot()
        if self._closing or any(r.process.polled for r in running):
            return _TICK_POLLED
        return _TICK if running or self._leftovers else None

    def _poll(self, running: RunningTrial) -> None:
        if running.batch_handled is not None and not running.batch_handled.wait(_TICK_POLLED):
            return  # reports must not pile up in memory
        # Poll the exit code before reading: a report written in between would be lost otherwise.
        code = running.process.code()
        has_more = self._read_reports(running)
        if code is not None and not has_more:
            self._end(running, code)
        elif self._is_due(running):
            with self._lock:
                running.process.signal(signal.SIGKILL)

    def _is_due(self, running: RunningTrial) -> bool:
        due = running.kill_at is not None and time.monotonic() >= running.kill_at
        return self._closing or due

    def _read_reports(self, running: RunningTrial) -> bool:
        """Post the next batch of reports; returns whether there may be more."""
        batch = running.metrics.read()
        running.batch_handled = threading.Event() if batch.has_more else None
        if batch or batch.has_more:
            self.post(Reported(running.job.trial, batch, running.batch_handled))
        return batch.has_more

    def _end(self, running: RunningTrial, code: int) -> None:
        """Post the end of the main process, and begin to end the rest of its session.

        `_kill_leftovers` reaps it: until then the system cannot reuse its group's number.
        """
        process = running.process
        with self._lock:
            del self._trials[running.job.trial]
            if process.pidfd >= 0:
                self._selector.unregister(process.pidfd)
                os.close(process.pidfd)
        process.finish()
        cause = running.cause or self._cause(running, code)
        running.kill_at = time.monotonic() + _LEFTOVER_GRACE
        self._leftovers.append(running)
        self.post(Ended(running.job.trial, time.time(), code, cause, process.lost))

    def _cause(self, running: RunningTrial, code: int) -> str | None:
        killed = code in (-signal.SIGKILL, 128 + signal.SIGKILL)  # directly, or within a shell
        if not killed or running.kill_at is not None or running.process.lost:
            return None
        out_of_memory = self._oom_kills.has_increased()
        if out_of_memory is None:
            return "killed (SIGKILL): out of memory, or by another program"
        return "out of memory: killed by the system (SIGKILL)" if out_of_memory else None

    def _kill_leftovers(self) -> None:
        """Kill what trials left running after their grace period, and reap their processes."""
        now, due = time.monotonic(), []
        if not self._closing and now < self._swept + _SWEEP_INTERVAL:
            return
        while self._leftovers and self._is_due(self._leftovers[0]):
            due.append(self._leftovers.popleft())
        with self._lock:
            jobs = [r.job for r in due if r.job.trial not in self._trials]  # not running again
            if jobs:
                # Includes processes that left the trial's group, such as torchrun's workers.
                folders = {job.trial: str(job.folder.path) for job in jobs}
                leftovers.signal_matching(leftovers.of_trials(self._stage or "", folders))
                self._swept = now
        for running in due:
            running.process.reap()

    def _check_usage(self) -> None:
        now = time.monotonic()
        if now < self._measured + _USAGE_INTERVAL:
            return
        self._measured = now
        if self._stage is not None and (what := self._watchdog.check()):
            logging.warning("the watchdog was %s; another one has been started", what)
        for running in self._snapshot():
            if running.cause is None and (cause := running.exceeded_limit()):
                running.cause = cause
                with self._lock:
                    running.process.signal(signal.SIGKILL)


def _log_no_forking(reason: Exception) -> None:
    logging.warning("forking disabled (%s): each trial starts a new interpreter", reason)
