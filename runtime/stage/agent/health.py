"""Detects that a process of ours is stopped or hangs."""

from __future__ import annotations

import contextlib
import subprocess
import time
from typing import Callable

_CHECK_INTERVAL = 1.0  # seconds
_QUIET = 5.0  # seconds of silence after which the process is queried
_ANSWER_LIMIT = 60.0  # seconds for an answer; a busy machine may be slow
_STOPPED_LIMIT = 5.0  # seconds that it may be stopped (SIGSTOP)


class Health:
    """The health of a process that may answer queries; `pid` returns its process ID."""

    def __init__(self, pid: Callable[[], int]) -> None:
        self._pid = pid
        self.answers = False  # whether it answers queries
        self._heard_at = self._looked_at = time.monotonic()
        self._asked_at: float | None = None
        self._stopped_at: float | None = None

    def heard(self) -> None:
        """Record that it has sent something."""
        self._heard_at, self._asked_at = time.monotonic(), None

    @property
    def is_suspect(self) -> bool:
        """Whether it was stopped (SIGSTOP) at the last look."""
        return self._stopped_at is not None

    def why_stuck(self, ask: Callable[[], None]) -> str | None:
        """Why it must be given up, or None. Calls `ask` if it has been silent for a while."""
        now = time.monotonic()
        if now < self._looked_at + _CHECK_INTERVAL:
            return None
        self._looked_at = now
        self._stopped_at = (self._stopped_at or now) if state(self._pid()) == "T" else None
        if self._stopped_at is not None and now > self._stopped_at + _STOPPED_LIMIT:
            return "the fork server was stopped (SIGSTOP)"
        if self.answers and self._asked_at is None and now > self._heard_at + _QUIET:
            self._asked_at = now
            ask()
        if self._asked_at is not None and now > self._asked_at + _ANSWER_LIMIT:
            return f"the fork server has not answered for {_ANSWER_LIMIT:g} s"
        return None


def end_child(child: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for a child that has been asked to end, and kill it if it does not."""
    if state(child.pid) != "T":
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
            return
    child.kill()
    child.wait()


def state(pid: int) -> str:
    """R, S, D, T (stopped), Z (a zombie) and so on, as in /proc; empty if there is none."""
    return (_stat(pid) or [""])[0]


def start_time(pid: int) -> str:
    """The process's start time in clock ticks since boot; empty if there is no such process."""
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 else ""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may contain spaces."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as file:
            text = file.read()
    except OSError:
        return []
    return text.rpartition(")")[2].split()
