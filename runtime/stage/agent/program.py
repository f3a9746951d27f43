"""The agent's programs: `attach FOLDER` joins a driver to the agent, and starts one if needed."""

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
    """Run `attach FOLDER` or `serve FOLDER`, FOLDER being the experiment's on this machine."""
    program, folder = words
    os.umask(0o077)
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)  # a socket's address may have only 108 bytes, so it is relative
    sys.exit(_attach() if program == "attach" else _serve())


def _serve() -> int:
    """Be the folder's agent, unless there is one."""
    lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    logging.basicConfig(
        filename=_LOG, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        daemon.Agent().serve()
    except Exception:
        logging.exception("the agent crashed")
        return 1
    return 0


def _attach() -> int:
    """Give the agent our standard input and output, and stay until it needs them no more."""
    channel = _connect() or _start()
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


def _start() -> Optional[socket.socket]:
    above = os.path.dirname
    root = above(above(above(above(os.path.abspath(__file__)))))
    subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM % (root, ["serve", os.getcwd()])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + _START_LIMIT
    while time.monotonic() < until:
        channel = _connect()
        if channel is not None:
            return channel
        time.sleep(0.02)
    return None
