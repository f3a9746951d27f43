"""Processes that outlive what started them: found by what they were given, and ended.

Run as `python leftovers.py MARK` with a pipe for standard input, it waits for the end of the
pipe, which comes when its other end's holder dies, and then ends what bears the mark. Linux only;
elsewhere nothing is found. It imports the standard library alone, to start fast.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable

_GRACE = 2.0  # seconds that processes have to end by themselves
_DONE = b"."  # says that nothing is left to end


def find(matches: Callable[[bytes], bool]) -> list[int]:
    """The processes whose environment at their beginning `matches`, this one left out."""
    found = []
    if not sys.platform.startswith("linux"):
        return []
    for name in os.listdir("/proc"):  # noqa: PTH208  names are enough, and it has to be quick
        if name.isdigit() and int(name) != os.getpid() and matches(_environment(name)):
            found.append(int(name))
    return found


def end(matches: Callable[[bytes], bool], number: int = signal.SIGKILL) -> int:
    """Send them the signal, and say how many there were."""
    found = find(matches)
    for pid in found:
        with contextlib.suppress(OSError):
            # By a descriptor, so that what is signalled is what was looked at.
            process = os.pidfd_open(pid)
            try:
                if matches(_environment(str(pid))):
                    signal.pidfd_send_signal(process, number)
            finally:
                os.close(process)
    return len(found)


def end_all(matches: Callable[[bytes], bool]) -> None:
    """Kill them, and what they started meanwhile; what will not go within the grace stays."""
    until = time.monotonic() + _GRACE
    while end(matches) and time.monotonic() < until:
        time.sleep(0.01)


def of_experiment(stage: str) -> Callable[[bytes], bool]:
    """What has the experiment's `stage` on its path: trials, and the process they fork from."""
    mark = os.fsencode(stage)

    def matches(environment: bytes) -> bool:
        return mark in environment  # most have it not: no need to look closer

    return matches


def of_trials(folders: Iterable[str]) -> Callable[[bytes], bool]:
    """What was started by the trials with these folders."""
    marks = {b"NNI_SYS_DIR=" + os.fsencode(folder) for folder in folders}

    def matches(environment: bytes) -> bool:
        return b"NNI_SYS_DIR=" in environment and not marks.isdisjoint(environment.split(b"\0"))

    return matches


def _environment(pid: str) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return b""  # it has ended, or is another user's


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
