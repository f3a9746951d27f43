"""The driver's side of the fork server: trials forked from a process that is warm already."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from annotate.json_value import JSON
from runtime.executors.base import Job
from runtime.executors.local.process import Process

#: What a trial's lease changes: read when a process first uses CUDA, so after the fork.
_GPUS = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
_OUTPUT = 4000  # bytes of what the server printed that go to the log


@dataclass(frozen=True, slots=True)
class Warm:
    """The process to fork from: `program` run by `python`, for trials of `script`."""

    python: str
    program: Path
    script: str
    cwd: Path
    environment: Mapping[str, str]


class Unable(Exception):
    """Trials can't be forked; the message says why."""


class ForkServer:
    """One server process. Raises Unable where it can't be started.

    Requests may be made from any thread; `read` is for one alone.
    """

    def __init__(self, warm: Warm) -> None:
        if not sys.platform.startswith("linux"):
            raise Unable("forking is not safe on this system")
        self.warm = warm
        self.ready = False
        self._forks: dict[int, Forked] = {}
        self._ids = itertools.count()  # a trial may run twice
        self._sending = threading.Lock()
        self._data = b""
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the server runs
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._popen = self._start(theirs)

    def _start(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        warm = self.warm
        try:
            return subprocess.Popen(
                [warm.python, str(warm.program), str(theirs.fileno()), warm.script],
                cwd=warm.cwd,
                env=dict(warm.environment),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError as error:
            self._socket.close()
            self._output.close()
            raise Unable(f"{warm.python} cannot be started: {error.strerror or error}") from None

    def fileno(self) -> int:
        return self._socket.fileno()

    def takes(self, job: Job) -> bool:
        """Whether a fork would be as good as `job`'s own process."""
        changes = self._changes(job)
        return (
            job.argv is not None
            and job.argv[0] == self.warm.script
            and job.command[0] == self.warm.python
            and job.cwd == self.warm.cwd
            and all(name.startswith("NNI_") or name in _GPUS for name in changes)
        )

    def _changes(self, job: Job) -> dict[str, str | None]:
        before, after = self.warm.environment, job.environment
        names = before.keys() | after.keys()
        return {n: after.get(n) for n in names if before.get(n) != after.get(n)}

    def start(self, job: Job, mark: int | None = None) -> Forked:
        """Have `job` forked, as soon as the server is ready, and its process marked."""
        number = next(self._ids)
        process = self._forks[number] = Forked(self, number, job, mark)
        if self.ready:
            self._request(process)
        return process

    def _request(self, process: Forked) -> None:
        job = process.job
        process.requested = True
        self.send(
            "start",
            process,
            argv=job.argv,
            environment=self._changes(job),
            stdout=str(job.folder.stdout),
            stderr=str(job.folder.stderr),
            mark=process.mark,
        )

    def send(self, what: str, process: Forked, **more: JSON) -> None:
        data = json.dumps({"do": what, "id": process.id, **more}).encode() + b"\n"
        # A line at a time; where the server is gone, `read` will see it.
        with self._sending, contextlib.suppress(OSError):
            self._socket.sendall(data)

    def forget(self, process: Forked) -> None:
        self._forks.pop(process.id, None)

    def read(self) -> list[Forked]:
        """Take what the server says, and return the processes that have just started.

        Raises Unable where it can't fork trials (any more).
        """
        try:
            data = self._socket.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            raise Unable(f"the server has ended{self._last_words()}")
        *lines, self._data = (self._data + data).split(b"\n")
        return [process for line in lines if (process := self._take(json.loads(line)))]

    def _take(self, said: dict[str, JSON]) -> Forked | None:
        if said["event"] == "refused":
            raise Unable(said["reason"])
        if said["event"] == "ready":
            self._on_ready(said)
            return None
        process = self._forks.get(said["id"])
        if process is None:
            return None
        if said["event"] == "started":
            process.began(said["pid"], said["time"])
            return process
        if said["event"] == "ended":
            process.ended = said["code"]
        else:
            process.fail(said["reason"])
        return None

    def _on_ready(self, said: dict[str, JSON]) -> None:
        names = ", ".join(said["libraries"]) or "no library"
        logging.info(
            "trials are forked from a process with %s imported (%.1f s)%s",
            names,
            said["seconds"],
            self._last_words(),
        )
        self.ready = True
        for process in list(self._forks.values()):
            self._request(process)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            size = os.fstat(self._output.fileno()).st_size
            data = os.pread(self._output.fileno(), _OUTPUT, max(0, size - _OUTPUT))
            text = data.decode("utf-8", errors="replace").strip()
            return f"; it printed:\n{text}" if text else ""
        return ""

    def lose(self) -> list[Forked]:
        """The server has ended: end what it has forked, and return what only waited for it."""
        forks, self._forks = list(self._forks.values()), {}
        for process in forks:
            if process.requested:
                process.lose()
        return [process for process in forks if process.ended is None]

    def close(self) -> None:
        """End the server; whatever still runs of it ends with it."""
        if not self.ready:
            self._popen.kill()  # busy with an import, it would not see the end of the socket
        self._socket.close()
        self._popen.wait()
        self._output.close()


class Forked(Process):
    """A trial that the server forks, or is to fork once it is ready."""

    def __init__(self, server: ForkServer, number: int, job: Job, mark: int | None) -> None:
        self.id = number
        self.job = job
        self.mark = mark
        self.pid = 0
        self.started = 0.0  # seconds since the epoch
        self.requested = False
        self.ended: int | None = None
        self._server = server
        self._time = ""

    def code(self) -> int | None:
        return self.ended

    def signal(self, number: int) -> None:
        if self.requested:
            self._server.send("signal", self, number=number)
        elif self.ended is None:  # nobody has begun with it, so that is its end
            self._server.forget(self)
            self.ended = -number

    def finish(self) -> None:
        """The server has done it."""

    def reap(self) -> None:
        if self.requested:
            self._server.send("reap", self)
            self._server.forget(self)

    def began(self, pid: int, when: float) -> None:
        self.pid = pid
        self.started = when
        self._time = _start_time(pid)

    def fail(self, reason: str) -> None:
        """There is no process; say so where its own words would stand."""
        with self.job.folder.stderr.open("a") as file:
            file.write(f"the trial's process could not be made: {reason}\n")
        self.ended = 1
        self.requested = False

    def lose(self) -> None:
        """The server has ended and cannot say how this one did: nothing of it may go on."""
        self.requested = False
        if self.ended is None:
            self.ended = -signal.SIGKILL
            self.lost = True
        if self.pid and _start_time(self.pid) in ("", self._time):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)


def _start_time(pid: int) -> str:
    """When the process began, in the system's own unit; empty where there is none."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text(errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
