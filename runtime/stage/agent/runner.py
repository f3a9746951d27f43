"""Runs trials as processes of this machine, each in its own session, and follows their ends."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from typing import Iterator

from runtime.stage.agent import leftovers
from runtime.stage.agent.fork_server import CannotFork, ForkedProcess, ForkServer, ServerCommand
from runtime.stage.agent.leftovers import Watchdog
from runtime.stage.agent.memory import OomKills
from runtime.stage.agent.metrics_watch import MetricsWatch
from runtime.stage.agent.process import ChildProcess
from runtime.stage.agent.running import RunningTrial
from runtime.stage.agent.task import CannotStart, Task

# Intervals in seconds.
_TICK = 0.1  # between two looks at trials that are being stopped or report very much
_TICK_POLLED = 0.02  # the same, if the end of a process can only be detected by polling
_LEFTOVER_GRACE = 2.0  # for processes that a trial left behind to end by themselves
_SWEEP_INTERVAL = 1.0  # between two searches through all processes of the system
_USAGE_INTERVAL = 0.5  # between two measurements of the trials' memory and output
_QUIET_INTERVAL = 1.4  # the same, while no trial has a limit of memory or prints anything
_MAX_SERVERS = 4  # starts of a fork server; one that keeps ending is not started again


class Listener(ABC):
    """Is told what happens to the trials of a runner."""

    @abstractmethod
    def on_start(self, trial: int, when: float, pid: int) -> None:
        """The trial's process started at `when`, in seconds since the epoch."""

    @abstractmethod
    def read(self, trial: int) -> bool:
        """Read what the trial has written; returns whether there is more, for the next call.

        Called soon after the trial has reported, and from time to time.
        """

    @abstractmethod
    def on_end(self, trial: int, when: float, code: int, cause: str | None, lost: bool) -> None:
        """The trial's process ended, and everything it wrote before was read.

        `code` is its exit code, or the negative number of the signal that killed it. `cause`
        explains the end if the runner knows more than the code says. `lost` means that the trial
        was cut off through no fault of its own.
        """

    @abstractmethod
    def on_clear(self, trial: int) -> None:
        """Nothing that the trial started runs any more; not called if it runs again by then."""

    @abstractmethod
    def on_bug(self, error: Exception) -> None:
        """The runner failed because of a bug of ours, and calls nothing more."""


class Runner:
    """Starts one process per trial, and follows all of them from one thread.

    That thread calls `run`, or `step` whenever `fileno` is readable or `timeout` has passed. Other
    threads may call `start`, `stop` and `end`.

    With `server_command`, trials are forked from that server; if forking fails, the log says why
    and trials are started as new processes. With `stage`, the stage folder of the experiment, all
    processes of its trials end with this one, however it ends, and those that an earlier executor
    left behind are killed first. `umask` is that of the trials. With `outputs`, the listener also
    reads soon after a trial has printed.
    """

    def __init__(
        self,
        listener: Listener,
        umask: int,
        stage: str,
        server_command: ServerCommand | None = None,
        *,
        outputs: bool = False,
    ) -> None:
        self._listener, self._umask = listener, umask
        self._stage = stage
        leftovers.kill_until_gone(leftovers.of_experiment(stage))
        self._watchdog = Watchdog(stage)
        self._oom_kills = OomKills()
        self._swept = self._measured = time.monotonic()
        self._usage_interval = _USAGE_INTERVAL
        self._trials: dict[int, RunningTrial] = {}
        # Trials that ended but may have left processes, earliest deadline first. Used only by
        # the thread that follows.
        self._leftovers: deque[RunningTrial] = deque()
        self._lock = threading.RLock()
        self._following: int | None = None  # the thread that is in `run`
        self._closing = False
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._metrics = MetricsWatch(self._selector, outputs=outputs)
        self._server: ForkServer | None = None
        self._servers_started = 0
        if server_command is not None:
            self._start_server(server_command)

    def start(self, task: Task) -> None:
        """Start the task without waiting for it; raises CannotStart, or OSError on a full disk."""
        with self._lock:
            self._metrics.add(task)
            if self._server is not None and self._server.takes(task):
                forked = self._server.start(task, self._mark(task))
                self._trials[task.trial] = RunningTrial(task, forked)
            else:
                self._start_child(task)
        self._wake()

    def _start_child(self, task: Task) -> None:
        try:
            child = ChildProcess(task, self._umask, self._mark(task))
        except CannotStart:
            self._metrics.remove(task)
            raise
        self._listener.on_start(task.trial, time.time(), child.pid)
        self._trials[task.trial] = RunningTrial(task, child)
        self._watch(child)

    def stop(self, trial: int, grace: float) -> None:
        """Ask the trial to end, and kill it after `grace` seconds, unless it has ended."""
        with self._lock:
            running = self._trials.get(trial)
            if running is None:
                return
            running.process.signal(signal.SIGTERM)
            running.kill_at = time.monotonic() + grace
        self._wake()

    def end(self) -> None:
        """Kill everything that still runs; `run` returns when nothing does."""
        self._closing = True
        self._wake()

    def close(self) -> None:
        """Release all resources, after `end` and `run`."""
        if self._server is not None:
            self._server.close()
        leftovers.signal_matching(leftovers.of_experiment(self._stage))
        self._watchdog.close()
        self._selector.close()
        self._metrics.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    # The fork server

    def _start_server(self, command: ServerCommand) -> None:
        self._servers_started += 1
        try:
            if self._servers_started > _MAX_SERVERS:
                raise CannotFork("the fork server ended too often")
            self._server = ForkServer(command, self._umask)
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
                    self._listener.on_start(forked.task.trial, forked.started, forked.pid)
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
            self._start_without_server(self._trials[forked.task.trial])

    def _start_without_server(self, running: RunningTrial) -> None:
        """Start a new process for a trial that was waiting for the server."""
        task = running.task
        try:
            running.process = child = ChildProcess(task, self._umask, self._mark(task))
        except CannotStart as error:
            assert isinstance(running.process, ForkedProcess)
            running.process.fail(str(error))
            return
        self._watch(child)
        self._listener.on_start(task.trial, time.time(), child.pid)

    def _mark(self, task: Task) -> int:
        return leftovers.mark(self._stage, task.trial)

    # Following

    def _wake(self) -> None:
        if self._following in (None, threading.get_ident()):
            return  # whoever calls `step` asks for the `timeout` first
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b".")

    def _watch(self, child: ChildProcess) -> None:
        if child.pidfd >= 0:
            self._selector.register(child.pidfd, selectors.EVENT_READ)

    def run(self) -> None:
        """Follow the trials until `end` was called and nothing of them runs any more."""
        self._following = threading.get_ident()
        try:
            while not (self._closing and not self._trials and not self._leftovers):
                self._selector.select(self.timeout())
                self.step()
        except Exception as error:
            self._listener.on_bug(error)

    def fileno(self) -> int:
        """Is readable while there is something to do."""
        return self._selector.fileno()

    def step(self) -> None:
        """Do what there is to do, without waiting."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        self._read_server()
        measured, reporting = self._check_usage(), self._metrics.take()
        for running in self._snapshot():
            self._poll(running, reads=measured or running.task.trial in reporting)
        self._kill_leftovers()

    def _snapshot(self) -> list[RunningTrial]:
        with self._lock:
            return list(self._trials.values())

    def timeout(self) -> float | None:
        """Seconds until something has to be done even if nothing happens; None for never."""
        running = self._snapshot()
        if self._closing or any(r.process.polled for r in running):
            return _TICK_POLLED
        if self._server is not None and self._server.is_suspect:
            return _TICK
        if any(r.kill_at is not None or r.has_more for r in running):
            return _TICK
        now = time.monotonic()
        return min((max(0.0, due - now) for due in self._dues(running)), default=None)

    def _dues(self, running: list[RunningTrial]) -> Iterator[float]:
        """When to do what, in monotonic seconds."""
        if running:
            yield self._measured + self._usage_interval
        if (due := self._metrics.due()) is not None:
            yield due
        if self._leftovers:
            yield max(self._leftovers[0].kill_at or 0.0, self._swept + _SWEEP_INTERVAL)

    def _poll(self, running: RunningTrial, *, reads: bool) -> None:
        """Handle the trial's end, if it has ended; read its reports then, or if `reads` is set."""
        # Poll the exit code before reading: a report written in between would be lost otherwise.
        code = running.process.code()
        if reads or running.has_more or code is not None:
            running.has_more = self._listener.read(running.task.trial)
        if code is not None and not running.has_more:
            self._end(running, code)
        elif self._is_due(running):
            with self._lock:
                running.process.signal(signal.SIGKILL)

    def _is_due(self, running: RunningTrial) -> bool:
        due = running.kill_at is not None and time.monotonic() >= running.kill_at
        return self._closing or due

    def _end(self, running: RunningTrial, code: int) -> None:
        """Post the end of the main process, and begin to end the rest of its session.

        `_kill_leftovers` reaps it: until then the system cannot reuse its group's number.
        """
        process = running.process
        with self._lock:
            del self._trials[running.task.trial]
            self._metrics.remove(running.task)
            if process.pidfd >= 0:
                self._selector.unregister(process.pidfd)
                os.close(process.pidfd)
        process.finish()
        cause = running.cause or self._cause(running, code)
        running.kill_at = time.monotonic() + _LEFTOVER_GRACE
        self._leftovers.append(running)
        self._listener.on_end(running.task.trial, time.time(), code, cause, process.lost)

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
            tasks = [r.task for r in due if r.task.trial not in self._trials]  # not running again
            if tasks:
                # Includes processes that left the trial's group, such as torchrun's workers.
                folders = {task.trial: task.folder for task in tasks}
                leftovers.signal_matching(leftovers.of_trials(self._stage, folders))
                self._swept = now
        for running in due:
            running.process.reap()
        for task in tasks:
            self._listener.on_clear(task.trial)

    def _check_usage(self) -> bool:
        """Measure what the trials use, if it is time; returns whether it was."""
        now = time.monotonic()
        if now < self._measured + self._usage_interval:
            return False
        self._measured = now
        if what := self._watchdog.check():
            logging.warning("the watchdog was %s; another one has been started", what)
        for running in self._snapshot():
            if running.cause is None and (cause := running.exceeded_limit()):
                running.cause = cause
                with self._lock:
                    running.process.signal(signal.SIGKILL)
        quiet = all(running.is_quiet for running in self._snapshot())
        self._usage_interval = _QUIET_INTERVAL if quiet else _USAGE_INTERVAL
        return True


def _log_no_forking(reason: Exception) -> None:
    logging.warning("forking disabled (%s): each trial starts a new interpreter", reason)
