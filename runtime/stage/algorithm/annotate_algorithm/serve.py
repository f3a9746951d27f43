"""Does what the driver asks of the algorithm, one request at a time.

Both ways go lines of JSON. A request has `do`: the first is `tuner` or `assessor`, which loads it
(see `load`); the others are methods of `Algorithm`, with their arguments. An answer has `result`,
`exhausted` (why) or `error` (kind, message, hint).
"""

from __future__ import annotations

import faulthandler
import fcntl
import json
import os
import signal
import socket
import sys
import traceback
from typing import Any

from annotate_algorithm.algorithm import Algorithm
from annotate_algorithm.blame import blame
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
    """Have the system end this process group, whatever it is doing, when the driver dies."""
    if hasattr(fcntl, "F_SETSIG"):  # Linux
        fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)


def _show_crashes(crash: int) -> None:
    """Write the stack to `crash` when the process crashes, exits at once, or gets SIGUSR2."""
    faulthandler.enable(crash, all_threads=False)
    faulthandler.register(signal.SIGUSR2, crash, all_threads=False)
    exit_at_once, own = os._exit, os.getpid()

    def exit_and_say_where(status: int) -> None:
        if os.getpid() == own:  # not in what it forks
            faulthandler.dump_traceback(crash, all_threads=False)
        exit_at_once(status)

    os._exit = exit_and_say_where  # type: ignore[assignment]


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
            traceback.print_exc()
            return {"error": ["", *blame(error, self._file)]}

    def _do(self, method: str, given: dict[str, Any]) -> Any:
        if self._algorithm is not None:
            return getattr(self._algorithm, method)(**given)
        self._file = given["file"]
        self._algorithm = load(method, **given)
        return self._algorithm.describe()
