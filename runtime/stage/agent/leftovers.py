"""Finds and kills processes that outlive the trial or the driver that started them.

A process is recognised by its environment, which a program may replace, and by its `mark`, which
it cannot lose: a resource limit that child processes inherit and nobody can raise again.

`python leftovers.py STAGE`, with a pipe as standard input, waits until the writing end of the pipe
is closed, which happens when its holder dies. It then kills the processes of the experiment with
this stage folder. Linux only; elsewhere no process is found. Imports only the standard library,
to start fast.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
from typing import Callable

_GRACE = 2.0  # seconds for processes to end by themselves
_DONE = b"."  # tells the watchdog that nothing is left to kill
_TRIAL_BITS = 24  # the lower bits of a mark, which hold the trial's number


def mark(stage: str, trial: int) -> int:
    """The trial's mark: a value for RLIMIT_RTTIME, in microseconds.

    It amounts to thousands of years, so it limits nothing. A process and its children can lower
    it, but not raise it.
    """
    digest = hashlib.blake2b(os.fsencode(stage), digest_size=4).digest()
    experiment = (1 << 32) | int.from_bytes(digest, "big")
    return (experiment << _TRIAL_BITS) | (trial & ((1 << _TRIAL_BITS) - 1))


def apply_mark(mark: int, pid: int) -> None:
    """Mark the process, if the system has this limit and allows the value."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_RTTIME, (mark, mark))


def find(matches: Callable[[int], bool]) -> list[int]:
    """The processes that match, except this one."""
    if not sys.platform.startswith("linux"):
        return []
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if pid != os.getpid() and matches(pid)]


def signal_matching(matches: Callable[[int], bool], number: int = signal.SIGKILL) -> int:
    """Send the signal to all processes that match, and return how many there were."""
    pids = find(matches)
    for pid in pids:
        with contextlib.suppress(OSError):
            _signal(pid, matches, number)
    return len(pids)


def _signal(pid: int, matches: Callable[[int], bool], number: int) -> None:
    if not hasattr(os, "pidfd_open"):  # Python 3.8, or a system without them
        os.kill(pid, number)
        return
    # Check again while a descriptor holds the process: its number may have been reused.
    process = os.pidfd_open(pid)
    try:
        if matches(pid):
            signal.pidfd_send_signal(process, number)
    finally:
        os.close(process)


def kill_until_gone(matches: Callable[[int], bool]) -> None:
    """Kill all processes that match, including new ones, for at most the grace period."""
    deadline = time.monotonic() + _GRACE
    while signal_matching(matches) and time.monotonic() < deadline:
        time.sleep(0.01)


def of_experiment(stage: str) -> Callable[[int], bool]:
    """Matches the experiment's processes: trials, their fork server, and the watchdog.

    `stage` is the experiment's stage folder, which is on the path of each of them.
    """
    path, first = os.fsencode(stage), mark(stage, 0)

    def matches(pid: int) -> bool:
        return _limit(pid) >> _TRIAL_BITS == first >> _TRIAL_BITS or path in _environment(pid)

    return matches


def of_trials(stage: str, folders: dict[int, str]) -> Callable[[int], bool]:
    """Matches processes started by these trials; `folders` maps their numbers to their folders."""
    limits = {mark(stage, trial) for trial in folders}
    variables = {b"NNI_SYS_DIR=" + os.fsencode(folder) for folder in folders.values()}

    def matches(pid: int) -> bool:
        if _limit(pid) in limits:
            return True
        environment = _environment(pid)
        # Most processes lack the variable, so split the environment only if it occurs.
        return b"NNI_SYS_DIR=" in environment and not variables.isdisjoint(environment.split(b"\0"))

    return matches


def _limit(pid: int) -> int:
    try:
        return resource.prlimit(pid, resource.RLIMIT_RTTIME)[1]
    except OSError:
        return -1  # the process ended, or belongs to another user


def _environment(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except OSError:
        return b""


class Watchdog:
    """A small process that kills an experiment's processes if this one dies.

    It matches `of_experiment` itself: the next driver first kills everything the last one left,
    the old watchdog included, which would otherwise kill the next driver's trials.
    """

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._popen = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, self._stage],
            env={"NNI_STAGE_DIR": self._stage},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the driver's terminal must not kill the watchdog
        )

    def check(self) -> str | None:
        """Replace a watchdog that was killed or stopped; returns what happened to it, or None."""
        killed = self._popen.poll() is not None
        if not killed and not _is_stopped(self._popen.pid):
            return None
        self._end()
        self._popen = self._start()
        return "killed" if killed else "stopped"

    def close(self) -> None:
        """Stop watching; nothing is killed."""
        assert self._popen.stdin is not None
        with contextlib.suppress(BrokenPipeError), self._popen.stdin as pipe:
            pipe.write(_DONE)
        with contextlib.suppress(subprocess.TimeoutExpired):
            if not _is_stopped(self._popen.pid):
                self._popen.wait(_GRACE)
        self._end()

    def _end(self) -> None:
        self._popen.kill()  # before its pipe closes, or it would kill the experiment's processes
        self._popen.wait()
        assert self._popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._popen.stdin.close()


def _is_stopped(pid: int) -> bool:
    """Whether the process is stopped (SIGSTOP)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[:1] == [b"T"]
    except OSError:
        return False


def _watch(stage: str) -> None:
    if os.read(0, 1) == _DONE:
        return
    matches = of_experiment(stage)
    signal_matching(matches, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE
    while find(matches) and time.monotonic() < deadline:
        time.sleep(0.05)
    signal_matching(matches)


if __name__ == "__main__":
    _watch(sys.argv[1])
