"""The process in which a custom algorithm runs."""

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
from runtime.system.private import users_umask

_PROGRAM = Path(__file__).parent.parent / "stage" / "algorithm"
_GRACE = 1.0  # seconds for the process to exit by itself before it is killed
_STACK_WAIT = 1.0  # seconds to wait for a stack; a stopped process never writes one


class AlgorithmProcess:
    """Runs `runtime/stage/algorithm` with `python`, in its own session.

    It ends when `close` is called or when this process dies, even in the middle of a call.
    `channel` is the socket to it, which reads as closed once it has ended. Raises CustomError
    if it cannot be started.
    """

    def __init__(self, python: str, cwd: str, name: str) -> None:
        self.channel, theirs = socket.socketpair()
        life, self._life = os.pipe()
        self._stacks = Stacks()
        inherited = [theirs.fileno(), life, self._stacks.fileno()]
        try:
            self._popen = subprocess.Popen(
                [python, str(_PROGRAM), *map(str, inherited)],
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=inherited,
                start_new_session=True,
                umask=users_umask(),
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
            # The system cannot reuse its process or group ID before it is reaped.
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
        """Kill the process and everything else in its group."""
        with self._lock:
            if not self._ended.is_set():
                self._kill_group()
        self._ended.wait(_GRACE)

    def close(self) -> None:
        """Let it finish its call for a second, then kill it."""
        with contextlib.suppress(OSError):
            self.channel.shutdown(socket.SHUT_WR)
        if not self._ended.wait(_GRACE):
            self.kill()

    def release(self) -> None:
        """Close our ends of the socket and pipe. Call it once no call is in progress."""
        self.channel.close()
        self._stacks.close()
        if self._life >= 0:
            os.close(self._life)
            self._life = -1

    def how_it_ended(self) -> str:
        """Its exit code or fatal signal, as shown to users."""
        self._ended.wait(_GRACE)
        code = self._popen.returncode
        if code is None:
            return "it closed its connection to Annotate"
        if code >= 0:
            return f"exit code {code}"
        if code == -signal.SIGKILL:
            return "killed by SIGKILL: out of memory, or by another program"
        return f"killed by {signal.Signals(-code).name}"

    def where_it_ended(self, folder: Path) -> str | None:
        """`path:line` in the user's `folder` where it crashed; None if unknown."""
        self._ended.wait(_GRACE)
        return self._stacks.read(folder)

    def where_it_is(self, folder: Path) -> str | None:
        """`path:line` in the user's `folder` that it is executing; None if it does not answer."""
        with self._lock:
            if not self._ended.is_set():
                os.kill(self.pid, signal.SIGUSR2)
        until = time.monotonic() + _STACK_WAIT
        while not self._stacks.has_more and time.monotonic() < until:
            time.sleep(0.01)
        return self._stacks.read(folder)
