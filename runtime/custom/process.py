"""The process that holds one algorithm of the user's own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from runtime.custom.errors import CustomError
from runtime.custom.output import Output
from runtime.custom.stacks import Stacks

_PROGRAM = Path(__file__).parent.parent / "stage" / "algorithm"
_GRACE = 1.0  # seconds that a process which is no longer needed has to end by itself
_TO_ANSWER = 1.0  # seconds until a stack is written; a stopped process never writes one


class AlgorithmProcess:
    """Runs `runtime/stage/algorithm` with `python`, in a session of its own.

    It ends when `close` is called or this process dies, whatever it is doing. `channel` is the
    socket to it, which reads as closed once it has ended. Raises CustomError where it cannot
    be started.
    """

    def __init__(self, python: str, cwd: str, name: str) -> None:
        self.channel, theirs = socket.socketpair()
        life, self._life = os.pipe()
        self._stacks = Stacks()
        handed_down = [theirs.fileno(), life, self._stacks.fileno()]
        try:
            self._popen = subprocess.Popen(
                [python, str(_PROGRAM), *map(str, handed_down)],
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=handed_down,
                start_new_session=True,
            )
        except OSError as error:
            self.release()
            raise CustomError(
                f"{name} cannot be run by {python} in {cwd}: {error.strerror or error}",
                hint="--python names another interpreter",
            ) from None
        finally:
            theirs.close()
            os.close(life)
        self.pid = self._popen.pid
        assert self._popen.stdout is not None
        self.output = Output(self._popen.stdout, name)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._wait, name=f"end of {name}", daemon=True).start()

    def _wait(self) -> None:
        if hasattr(os, "waitid"):
            # Until it is reaped, its number and its group's belong to nobody else.
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            self._kill_group()
        with self._lock:
            self._popen.wait()
            with contextlib.suppress(OSError):
                self.channel.shutdown(socket.SHUT_RDWR)
            self._ended.set()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End it by force, with all that it started in its group."""
        with self._lock:
            if not self._ended.is_set():
                self._kill_group()
        self._ended.wait(_GRACE)

    def close(self) -> None:
        """Let it finish what it is doing, for a second, and then end it by force."""
        with contextlib.suppress(OSError):
            self.channel.shutdown(socket.SHUT_WR)
        if not self._ended.wait(_GRACE):
            self.kill()

    def release(self) -> None:
        """Close our ends, once nobody talks to it any more."""
        self.channel.close()
        self._stacks.close()
        if self._life >= 0:
            os.close(self._life)
            self._life = -1

    def how_it_ended(self) -> str:
        """For people: its exit code, or the signal."""
        self._ended.wait(_GRACE)
        code = self._popen.returncode
        if code is None or code >= 0:
            return f"exit code {code}"
        if code == -signal.SIGKILL:
            return "killed by SIGKILL: out of memory, or by another program"
        return f"killed by {signal.Signals(-code).name}"

    def where_it_ended(self, folder: Path) -> str | None:
        """`path:line` in the user's `folder` where it crashed; None where nobody knows."""
        self._ended.wait(_GRACE)
        return self._stacks.read(folder)

    def where_it_is(self, folder: Path) -> str | None:
        """`path:line` in the user's `folder` that it is executing; None where it doesn't say."""
        with self._lock:
            if not self._ended.is_set():
                os.kill(self.pid, signal.SIGUSR2)
        until = time.monotonic() + _TO_ANSWER
        while not self._stacks.has_more and time.monotonic() < until:
            time.sleep(0.01)
        return self._stacks.read(folder)
