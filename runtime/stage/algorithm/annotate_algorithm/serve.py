"""Handles the driver's requests to the algorithm, one at a time.

Requests and answers are lines of JSON. A request has `do` and arguments. In the first, `do` is
`tuner` or `assessor`, which loads the algorithm (see `load`); in the others, a method of
`Algorithm`. An answer has `result`, `exhausted` (why) or `error` (kind, message, hint).
"""

from __future__ import annotations

import faulthandler
import fcntl
import json
import os
import signal
import socket
import sys
from typing import Any

from annotate_algorithm.algorithm import Algorithm
from annotate_algorithm.blame import blame, print_stack
from annotate_algorithm.load import load

from annotate.errors import AnnotateError, SpaceError
from tuners.base import Exhausted


def serve(channel: int, life: int, crash: int) -> None:
    """Answer requests from `channel` until it closes."""
    for fd in (channel, life, crash):
        os.set_inheritable(fd, False)
    _end_with(life)
    _show_crashes(crash)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    server = _Server()
    with socket.socket(fileno=channel) as connection:
        connection.sendall(b"{}\n")  # ready
        for line in connection.makefile("rb"):
            connection.sendall(json.dumps(server.answer(json.loads(line))).encode() + b"\n")


def _end_with(life: int) -> None:
    """Have the system kill this process group when the driver dies, even during a call."""
    if hasattr(fcntl, "F_SETSIG"):  # Linux
        fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)


def _show_crashes(crash: int) -> None:
    """Write the stack to `crash` on a crash, on `os._exit` and on SIGUSR2."""
    faulthandler.enable(crash, all_threads=False)
    faulthandler.register(signal.SIGUSR2, crash, all_threads=False)
    exit_at_once, own = os._exit, os.getpid()

    def exit_with_stack(status: int) -> None:
        if os.getpid() == own:  # not in a child process that it forked
            faulthandler.dump_traceback(crash, all_threads=False)
        exit_at_once(status)

    os._exit = exit_with_stack  # type: ignore[assignment]


class _Server:
    def __init__(self) -> None:
        self._algorithm: Algorithm | None = None
        self._file = ""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"result": self._do(request.pop("do"), request)}
        except Exhausted as none:
            return {"exhausted": str(none)}
        except AnnotateError as error:
            kind = "space" if isinstance(error, SpaceError) else ""
            return {"error": [kind, error.message, error.hint]}
        except BaseException as error:
            print_stack(error, self._file)
            return {"error": ["", *blame(error, self._file)]}

    def _do(self, method: str, arguments: dict[str, Any]) -> Any:
        if self._algorithm is not None:
            return getattr(self._algorithm, method)(**arguments)
        self._file = arguments["file"]
        self._algorithm = load(method, **arguments)
        return self._algorithm.describe()
