"""The other side of the fork server, a process with the script's libraries already imported."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import Any, Mapping

from runtime.stage.agent.health import Health, end_child, start_time, state
from runtime.stage.agent.process import Process, umask_option
from runtime.stage.agent.task import Task

#: Set by a trial's lease. Safe to change after the fork: CUDA reads them when it is first used.
_GPU_VARIABLES = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
_LOGGED_OUTPUT = 4000  # bytes of the server's last output that are logged
_END_LIMIT = 10.0  # seconds for the server to end its forks and itself
_REPORT_LIMIT = 5.0  # seconds in which the server reports the end of a fork


@dataclass(frozen=True)
class ServerCommand:
    """How to start the server: `python` runs `program`, which forks trials of `script`."""

    python: str
    program: str
    script: str
    cwd: str
    environment: Mapping[str, str]


class CannotFork(Exception):
    """Trials cannot be forked; the message says why."""


class ForkServer:
    """One server process. Raises CannotFork if it cannot be started.

    Call `read` from one thread only; every other method may be called from any thread.
    """

    def __init__(self, command: ServerCommand, umask: int) -> None:
        if not sys.platform.startswith("linux"):
            raise CannotFork("forking is not safe on this system")
        self.command, self._umask = command, umask
        self.ready = False
        self._forks: dict[int, ForkedProcess] = {}
        self._ids = itertools.count()  # trial numbers are not unique: a trial may run twice
        self._sending = threading.Lock()
        self._data = b""
        self._health = Health(lambda: self._popen.pid)
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the server runs
        self._socket, server_socket = socket.socketpair()
        with server_socket:
            self._popen = self._start(server_socket)

    def _start(self, server_socket: socket.socket) -> subprocess.Popen[bytes]:
        command, descriptor = self.command, server_socket.fileno()
        try:
            return subprocess.Popen(
                [command.python, command.program, str(descriptor), command.script],
                cwd=command.cwd,
                env=dict(command.environment),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                pass_fds=[descriptor],
                start_new_session=True,
                **umask_option(self._umask),
            )
        except OSError as error:
            self._socket.close()
            self._output.close()
            reason = error.strerror or error
            raise CannotFork(f"{command.python} cannot be started: {reason}") from None

    def fileno(self) -> int:
        return self._socket.fileno()

    def takes(self, task: Task) -> bool:
        """Whether the server can run `task` with the same effect as a process of its own."""
        changes = self._environment_changes(task)
        return (
            task.argv is not None
            and task.argv[0] == self.command.script
            and task.command[0] == self.command.python
            and task.cwd == self.command.cwd
            and all(name.startswith("NNI_") or name in _GPU_VARIABLES for name in changes)
        )

    def _environment_changes(self, task: Task) -> dict[str, str | None]:
        before, after = self.command.environment, task.environment
        names = before.keys() | after.keys()
        return {n: after.get(n) for n in names if before.get(n) != after.get(n)}

    def start(self, task: Task, mark: int | None = None) -> ForkedProcess:
        """Fork a process for `task`, with this mark, as soon as the server is ready."""
        number = next(self._ids)
        process = self._forks[number] = ForkedProcess(self, number, task, mark)
        if self.ready:
            self._request(process)
        return process

    def _request(self, process: ForkedProcess) -> None:
        task = process.task
        process.requested = True
        self.send(
            "start",
            process,
            argv=task.argv,
            environment=self._environment_changes(task),
            isolation=None if task.isolation is None else dict(task.isolation),
            stdin=task.stdin,
            stdout=task.stdout,
            stderr=task.stderr,
            mark=process.mark,
        )

    def send(self, request: str, process: ForkedProcess, **arguments: Any) -> None:
        """Send one request about `process`. Errors are ignored: `read` detects a dead server."""
        self._send(do=request, id=process.id, **arguments)

    def _send(self, **request: Any) -> None:
        with self._sending, contextlib.suppress(OSError):
            self._socket.sendall(json.dumps(request).encode() + b"\n")

    def why_stuck(self) -> str | None:
        """Why the server has to be given up although it has not ended, or None.

        Call it after `read`, so that an answer that has arrived counts.
        """
        if any(process.is_overdue() for process in list(self._forks.values())):
            return "the fork server did not report the end of a trial"
        return self._health.why_stuck(lambda: self._send(do="ping")) if self._forks else None

    @property
    def is_suspect(self) -> bool:
        """Whether `why_stuck` may soon have a reason, so that it is to be called often."""
        return bool(self._forks) and self._health.is_suspect

    def forget(self, process: ForkedProcess) -> None:
        """Ignore further messages about `process`."""
        self._forks.pop(process.id, None)

    def read(self) -> list[ForkedProcess]:
        """Handle the server's messages, and return the processes that started.

        Raises CannotFork if the server refuses to fork, or has ended.
        """
        try:
            data = self._socket.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            raise CannotFork(f"the fork server ended{self._last_output()}")
        self._health.heard()
        *lines, self._data = (self._data + data).split(b"\n")
        return [process for line in lines if (process := self._handle(json.loads(line)))]

    def _handle(self, message: dict[str, Any]) -> ForkedProcess | None:
        """Returns the process that the message reports as started, if it does."""
        if message["event"] == "refused":
            raise CannotFork(message["reason"])
        if message["event"] == "ready":
            self._on_ready(message)
            return None
        if message["event"] == "pong":
            return None
        process = self._forks.get(message["id"])
        if process is None:
            return None
        if message["event"] == "started":
            process.on_started(message["pid"], message["time"])
            return process
        if message["event"] == "ended":
            process.exit_code = message["code"]
        else:
            process.fail(message["reason"])
        return None

    def _on_ready(self, message: dict[str, Any]) -> None:
        names = ", ".join(message["libraries"]) or "no library"
        left_out = message.get("left_out", {})
        logging.info(
            "trials are forked from a process with %s imported (%.1f s)%s%s",
            names,
            message["seconds"],
            "".join(f"; each trial imports {n} itself: {why}" for n, why in left_out.items()),
            self._last_output(),
        )
        self.ready = True
        self._health.answers = message.get("answers", False)  # false in earlier versions
        for process in list(self._forks.values()):
            self._request(process)

    def _last_output(self) -> str:
        with contextlib.suppress(OSError):
            size = os.fstat(self._output.fileno()).st_size
            data = os.pread(self._output.fileno(), _LOGGED_OUTPUT, max(0, size - _LOGGED_OUTPUT))
            text = data.decode("utf-8", errors="replace").strip()
            return f"; it printed:\n{text}" if text else ""
        return ""

    def abandon(self) -> list[ForkedProcess]:
        """After the server ended: kill its forks, and return those it had not begun."""
        forks, self._forks = list(self._forks.values()), {}
        for process in forks:
            if process.requested:
                process.lose()
        return [process for process in forks if process.exit_code is None]

    def kill(self) -> None:
        """Kill the server, whatever it is doing; its forks die with it."""
        self._popen.kill()

    def close(self) -> None:
        """End the server and all its forks."""
        if not self.ready:
            self._popen.kill()  # during an import it would not notice that the socket is closed
        self._socket.close()
        end_child(self._popen, _END_LIMIT)
        self._output.close()


class ForkedProcess(Process):
    """A trial's process that the server forks, now or once it is ready."""

    def __init__(self, server: ForkServer, number: int, task: Task, mark: int | None) -> None:
        self.id = number
        self.task = task
        self.mark = mark
        self.pid = 0  # until the server reports it
        self.started = 0.0  # seconds since the epoch
        self.requested = False
        self.exit_code: int | None = None
        self._server = server
        self._start_time = ""
        self._signalled_at = self._killed_at = math.inf  # monotonic seconds

    def code(self) -> int | None:
        return self.exit_code

    def signal(self, number: int) -> None:
        if not self.requested:
            if self.exit_code is None:  # not forked yet: cancel it
                self._server.forget(self)
                self.exit_code = -number
            return
        now = time.monotonic()
        self._signalled_at = min(self._signalled_at, now)
        if number == signal.SIGKILL:
            self._killed_at = min(self._killed_at, now)
        if self.pid:
            self._signal_group(number)  # without the server, which may be stopped or busy
        else:
            self._server.send("signal", self, number=number)

    def _signal_group(self, number: int) -> None:
        """Signal the group, or the process alone before it has one of its own.

        The server reaps the process only when asked, so its number belongs to it until then,
        unless the server has died.
        """
        if start_time(self.pid) != self._start_time:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                os.kill(self.pid, number)

    def is_overdue(self) -> bool:
        """Whether it must have ended after a signal, but the server has not reported it."""
        if self.exit_code is not None:
            return False
        now = time.monotonic()
        if now > self._killed_at + _REPORT_LIMIT:
            return True
        late = now > self._signalled_at + _REPORT_LIMIT and self.pid
        return bool(late) and state(self.pid) in ("Z", "")

    def finish(self) -> None:
        """Nothing to do: the server does it when it notices the end."""

    def reap(self) -> None:
        if self.requested:
            self._server.send("reap", self)
            self._server.forget(self)

    def on_started(self, pid: int, when: float) -> None:
        """Record the process that the server forked."""
        self.pid = pid
        self.started = when
        self._start_time = start_time(pid)

    def fail(self, reason: str) -> None:
        """Record that there will be no process, with the reason in the trial's stderr."""
        with open(self.task.stderr, "a") as file:
            file.write(f"the trial's process could not be started: {reason}\n")
        self.exit_code = 1
        self.requested = False

    def lose(self) -> None:
        """Kill the process group: the server ended, so nobody can follow the process."""
        self.requested = False
        if self.exit_code is None:
            self.exit_code = -signal.SIGKILL
            self.lost = self._signalled_at == math.inf  # otherwise it was told to end
        if self.pid and start_time(self.pid) in ("", self._start_time):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
