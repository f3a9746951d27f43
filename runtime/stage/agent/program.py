"""The agent's programs.

`attach FOLDER` joins a driver to the agent, and starts one if needed. `join FOLDER` waits for the
agent instead, which a job of an engine runs by `hold FOLDER`.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import socket
import subprocess
import sys
import time
from typing import List, Optional

from runtime.stage.agent import daemon
from runtime.stage.agent.link import hand_over

_START_LIMIT = 30.0  # seconds for an agent to start
_PROGRAM = (
    "import sys; sys.path.insert(0, %r); from runtime.stage.agent.program import main; main(%r)"
)
_LOCK, _LOG = "agent.lock", "agent.log"


def main(words: List[str]) -> None:
    """Run a program with FOLDER, the experiment's on this machine."""
    program, folder = words
    os.umask(0o077)
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)  # a socket's address may have only 108 bytes, so it is relative
    if program in ("attach", "join"):
        sys.exit(_attach(starts=program == "attach"))
    sys.exit(_serve(holds=program == "hold"))


def _serve(*, holds: bool) -> int:
    """Be the folder's agent, unless there is one.

    An engine that kills without a signal to the agent gives it a socket, its lifeline, whose other
    end closes with the engine's own process.
    """
    lifeline = os.environ.pop("ANNOTATE_LIFELINE", None)
    lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    logging.basicConfig(
        filename=_LOG, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        daemon.Agent(holds=holds, lifeline=lifeline and int(lifeline)).serve()
    except Exception:
        logging.exception("the agent crashed")
        return 1
    return 0


def _attach(*, starts: bool) -> int:
    """Give the agent our standard input and output, and stay until it needs them no more."""
    channel = _connect()
    if channel is None and starts:
        _start()
    channel = channel or _wait()
    if channel is None:
        with contextlib.suppress(OSError), open(_LOG, errors="replace") as file:
            sys.stderr.write(file.read()[-2000:])
        sys.stderr.write("the agent did not start within %g s\n" % _START_LIMIT)
        return 1
    hand_over(channel)
    channel.recv(1)  # until the agent closes it
    return 0


def _connect() -> Optional[socket.socket]:
    channel = socket.socket(socket.AF_UNIX)
    try:
        channel.connect(daemon.SOCKET)
    except OSError:
        channel.close()
        return None
    return channel


def _start() -> None:
    above = os.path.dirname
    root = above(above(above(above(os.path.abspath(__file__)))))
    subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM % (root, ["serve", os.getcwd()])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait() -> Optional[socket.socket]:
    until = time.monotonic() + _START_LIMIT
    while time.monotonic() < until:
        channel = _connect()
        if channel is not None:
            return channel
        time.sleep(0.02)
    return None
