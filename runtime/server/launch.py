"""Seeing to it that a server of the pages runs: finds it, or starts it on its own feet.

The port is bound, and the lock that says "alive" is taken, by whoever starts the server; both are
handed down to it. So the address is good at once, two that start at a time never collide, and
the lock is free when the server has died, however it died.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import annotate_hpo
from annotate.errors import AnnotateError
from runtime.core import paths
from runtime.system.lock import is_held

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8080
_TRIED = 50  # ports behind the one that was wanted


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs. `host` is the address it listens on, `names` those it is called by."""

    pid: int
    host: str
    port: int
    names: tuple[str, ...]

    def addresses(self, experiment: str = "") -> list[str]:
        """Links for a browser; the token behind # never leaves it."""
        path = f"e/{experiment}" if experiment else ""
        names = self.names[:1] if self.host == LOOPBACK else self.names
        return [f"http://{n}:{self.port}/{path}#token={token()}" for n in names]


def ensure(
    port: int | None = None,
    experiment: str = "",
    *,
    host: str = LOOPBACK,
    names: tuple[str, ...] = (),
) -> list[str]:
    """Addresses of a server that runs, started where none did.

    Without `port` any server will do. Raises AnnotateError where the port is somebody else's.
    """
    with _starting():
        found = next((s for s in running() if port in (None, s.port)), None)
        server = found or _start(port, host, names)
    return server.addresses(experiment)


def running() -> list[Server]:
    """The servers of this home that are alive, by port."""
    folder = paths.server()
    records = sorted(folder.path.glob("[0-9]*.json")) if folder.path.is_dir() else []
    alive = (_read(path) for path in records if is_held(path.with_suffix(".lock")))
    return [server for server in alive if server is not None]


def stop() -> list[int]:
    """End the servers of this home; returns their ports."""
    ended = []
    for server in running():
        os.kill(server.pid, signal.SIGTERM)
        until = time.monotonic() + 10
        while is_held(paths.server().lock(server.port)) and time.monotonic() < until:
            time.sleep(0.02)
        ended.append(server.port)
    return ended


def token() -> str:
    """The secret that others need to read, and all to change; only its owner can read its file."""
    path = paths.server().token
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="ascii")


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens; raises AnnotateError that says who has the port and which is free."""
    listener = _listen(host, port)
    if listener is not None:
        return listener
    free = next((p for p in range(port + 1, port + _TRIED) if _is_free(host, p)), None)
    raise AnnotateError(
        f"port {port} is in use by {_user(port)}",
        hint=f"--port {free} is free" if free else "name another with --port",
    )


def _start(port: int | None, host: str, names: tuple[str, ...]) -> Server:
    with claimed(port, host) as (listener, lock):
        names = names or called(host)
        number = int(listener.getsockname()[1])
        words = ["ui", "--inherited", str(listener.fileno()), "--host", host]
        with paths.server().log(number).open("ab") as log:
            process = subprocess.Popen(
                annotate_hpo.command(*words, *(f"--name={name}" for name in names)),
                cwd=paths.server().path,
                env=annotate_hpo.environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(listener.fileno(), lock),
            )
        server = Server(process.pid, host, number, names)
        keep(server)
        process.returncode = 0  # it is to outlive us, so nobody waits for it
    return server


@contextmanager
def claimed(port: int | None, host: str) -> Iterator[tuple[socket.socket, int]]:
    """A socket that listens on `port`, or on the first free one, and the lock that goes with it.

    Both are let go at the end, unless another process has inherited them.
    """
    token()
    listener = bind(host, port) if port else _first_free(host)
    lock = os.open(
        paths.server().lock(int(listener.getsockname()[1])),
        os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
        0o600,
    )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield listener, lock
    finally:
        os.close(lock)
        listener.close()


def keep(server: Server) -> None:
    """Write the record by which others find the server."""
    _write(paths.server().record(server.port), json.dumps(asdict(server)))


def called(host: str) -> tuple[str, ...]:
    """The names by which a server on the address `host` is reached."""
    if host == LOOPBACK:
        return (host, "localhost")
    if host not in ("0.0.0.0", "::"):
        return (f"[{host}]" if ":" in host else host,)
    import psutil

    families = (a for addresses in psutil.net_if_addrs().values() for a in addresses)
    found = [a.address for a in families if a.family == socket.AF_INET]
    return (*sorted(found, key=lambda address: address != LOOPBACK), socket.gethostname())


def _first_free(host: str) -> socket.socket:
    for port in range(DEFAULT_PORT, DEFAULT_PORT + _TRIED):
        listener = _listen(host, port)
        if listener is not None:
            return listener
    return bind(host, DEFAULT_PORT)


def _listen(host: str, port: int) -> socket.socket | None:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno in (98, 48):  # EADDRINUSE here and on macOS
            return None
        raise AnnotateError(f"cannot listen on {host}, port {port}: {error.strerror}") from None
    return listener


def _is_free(host: str, port: int) -> bool:
    listener = _listen(host, port)
    if listener is not None:
        listener.close()
    return listener is not None


def _user(port: int) -> str:
    import psutil

    try:
        found = [c for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port]
        process = next(psutil.Process(c.pid) for c in found if c.status == "LISTEN" and c.pid)
        return f"{process.name()} (pid {process.pid})"
    except (psutil.Error, StopIteration, OSError):
        return "a process of somebody else"


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by others."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
    Path(name).replace(path)


def _read(path: Path) -> Server | None:
    try:
        record = json.loads(path.read_bytes())
        return Server(record["pid"], record["host"], record["port"], tuple(record["names"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def _starting() -> Iterator[None]:
    folder = paths.server()
    folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = os.open(folder.starting, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
