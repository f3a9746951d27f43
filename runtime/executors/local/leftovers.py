"""Processes that outlive what started them: found by what they were given, and ended.

What a trial starts has its environment, until it begins another program with another one, and its
`mark`, for good: a limit of the system's, which is handed down and cannot be raised again.

Run as `python leftovers.py MARK` with a pipe for standard input, it waits for the end of the
pipe, which comes when its other end's holder dies, and then ends what bears the mark. Linux only;
elsewhere nothing is found. It imports the standard library alone, to start fast.
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
from collections.abc import Callable

_GRACE = 2.0  # seconds that processes have to end by themselves
_DONE = b"."  # says that nothing is left to end
_TRIALS = 24  # bits of a mark that say which trial it is


def mark(stage: str, trial: int) -> int:
    """The limit, in microseconds, of a real-time process that does not wait for anything.

    It is thousands of years, so it limits nothing; the process and all that it starts can lower it
    and not raise it.
    """
    digest = hashlib.blake2b(os.fsencode(stage), digest_size=4).digest()
    experiment = (1 << 32) | int.from_bytes(digest, "big")
    return (experiment << _TRIALS) | (trial & ((1 << _TRIALS) - 1))


def put(mark: int, pid: int) -> None:
    """Mark the process; not where the system has no such limit, or a lower one."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_RTTIME, (mark, mark))


def find(matches: Callable[[int], bool]) -> list[int]:
    """The processes that `matches` is true of, this one left out."""
    found = []
    if not sys.platform.startswith("linux"):
        return []
    for name in os.listdir("/proc"):  # noqa: PTH208  names are enough, and it has to be quick
        if name.isdigit() and int(name) != os.getpid() and matches(int(name)):
            found.append(int(name))
    return found


def end(matches: Callable[[int], bool], number: int = signal.SIGKILL) -> int:
    """Send them the signal, and say how many there were."""
    found = find(matches)
    for pid in found:
        with contextlib.suppress(OSError):
            # By a descriptor, so that what is signalled is what was looked at.
            process = os.pidfd_open(pid)
            try:
                if matches(pid):
                    signal.pidfd_send_signal(process, number)
            finally:
                os.close(process)
    return len(found)


def end_all(matches: Callable[[int], bool]) -> None:
    """Kill them, and what they started meanwhile; what will not go within the grace stays."""
    until = time.monotonic() + _GRACE
    while end(matches) and time.monotonic() < until:
        time.sleep(0.01)


def of_experiment(stage: str) -> Callable[[int], bool]:
    """What has the experiment's `stage` on its path: trials, and the process they fork from."""
    path, first = os.fsencode(stage), mark(stage, 0)

    def matches(pid: int) -> bool:
        return _limit(pid) >> _TRIALS == first >> _TRIALS or path in _environment(pid)

    return matches


def of_trials(stage: str, folders: dict[int, str]) -> Callable[[int], bool]:
    """What was started by the experiment's trials with these numbers and folders."""
    limits = {mark(stage, trial) for trial in folders}
    words = {b"NNI_SYS_DIR=" + os.fsencode(folder) for folder in folders.values()}

    def matches(pid: int) -> bool:
        if _limit(pid) in limits:
            return True
        environment = _environment(pid)
        # Most have it not: no need to look closer.
        return b"NNI_SYS_DIR=" in environment and not words.isdisjoint(environment.split(b"\0"))

    return matches


def _limit(pid: int) -> int:
    try:
        return resource.prlimit(pid, resource.RLIMIT_RTTIME)[1]
    except OSError:
        return -1  # it has ended, or is another user's


def _environment(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return b""


class Watchdog:
    """A small process that ends an experiment's processes should this one die without a word.

    It bears the experiment's mark itself: the next driver ends first what the last one has left,
    and its watchdog with that, which would else end what the next one starts.
    """

    def __init__(self, stage: str) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, stage],
            env={"NNI_STAGE_DIR": stage},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # what ends this one at a terminal must not end that one
        )

    def close(self) -> None:
        """There is nothing to watch any more."""
        assert self._popen.stdin is not None
        with contextlib.suppress(BrokenPipeError), self._popen.stdin as pipe:
            pipe.write(_DONE)
        self._popen.wait()


def _watch(stage: str) -> None:
    if os.read(0, 1) == _DONE:
        return
    matches = of_experiment(stage)
    end(matches, signal.SIGTERM)
    until = time.monotonic() + _GRACE
    while find(matches) and time.monotonic() < until:
        time.sleep(0.05)
    end(matches)


if __name__ == "__main__":
    _watch(sys.argv[1])
