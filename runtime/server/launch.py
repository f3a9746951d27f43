"""Finds the web server of this ANNOTATE_HOME, or starts one in the background.

The starting process binds the port and takes the lock that marks the server as alive; the server
inherits both. So the address works at once, two starts never collide, and the lock is released
however the server ends.
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
from runtime.system.private import keep_private, users_umask

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8080
_PATIENCE = 10.0  # seconds for a server to answer, or to end
_TRIED = 50  # ports after the one asked for


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: `host` is the address it listens on, `names` are its names in links."""

    pid: int
    host: str
    port: int
    names: tuple[str, ...]

    @property
    def address(self) -> str:
        """Where this machine reaches it."""
        return {"0.0.0.0": LOOPBACK, "::": "::1"}.get(self.host, self.host)

    def addresses(self, experiment: str = "") -> list[str]:
        """Links for a browser, which never sends the token after # to anyone."""
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
    """Links to the running server; starts one if there is none.

    Without `port`, any server of this home will do. Raises AnnotateError if another program uses
    the port.
    """
    with _starting():
        known = (s for s in running() if port in (None, s.port))
        server = next(filter(_answers_or_ends, known), None) or _start(port, host, names)
    return server.addresses(experiment)


def running() -> list[Server]:
    """The running servers of this home, by port."""
    folder = paths.server()
    records = sorted(folder.path.glob("[0-9]*.json")) if folder.path.is_dir() else []
    alive = (_read(path) for path in records if is_held(path.with_suffix(".lock")))
    return [server for server in alive if server is not None]


def stop() -> list[int]:
    """Stop the servers of this home and return their ports."""
    servers = running()
    for server in servers:
        _end(server, signal.SIGTERM)
    return [server.port for server in servers]


def _end(server: Server, number: int) -> None:
    """Send the signal; kill a server that does not end within a few seconds."""
    for signal_number in (number, signal.SIGKILL):
        os.kill(server.pid, signal_number)
        until = time.monotonic() + _PATIENCE
        while is_held(paths.server().lock(server.port)):
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        else:
            return


def _answers_or_ends(server: Server) -> bool:
    """Whether the server answers. One that hangs or is stopped is killed to free its port."""
    import http.client

    connection = http.client.HTTPConnection(server.address, server.port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        _end(server, signal.SIGKILL)
        return False
    finally:
        connection.close()
    return True


def token() -> str:
    """The secret for changes, and for other users to read. Only its owner can read its file."""
    path = paths.server().token
    if not path.exists():
        keep_private()
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="ascii")


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises AnnotateError that names the port's user and a free port."""
    listener = _listen(host, port)
    if listener is not None:
        return listener
    free = next((p for p in range(port + 1, port + _TRIED) if _is_free(host, p)), None)
    raise AnnotateError(
        f"port {port} is in use by {_user(port)}",
        hint=f"--port {free} is free" if free else "choose another with --port",
    )


def _start(port: int | None, host: str, names: tuple[str, ...]) -> Server:
    with claim(port, host) as (listener, lock):
        names = names or names_of(host)
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
                umask=users_umask(),
                pass_fds=(listener.fileno(), lock),
            )
        server = Server(process.pid, host, number, names)
        write_record(server)
        process.returncode = 0  # it outlives us; this silences the ResourceWarning
    return server


@contextmanager
def claim(port: int | None, host: str) -> Iterator[tuple[socket.socket, int]]:
    """A socket that listens on `port`, or on the first free one, and the port's lock.

    Both are closed at the end; a process that inherited them keeps them.
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


def write_record(server: Server) -> None:
    """Write the file by which other commands find the server."""
    _write(paths.server().record(server.port), json.dumps(asdict(server)))


def names_of(host: str) -> tuple[str, ...]:
    """The names under which browsers reach a server on the address `host`."""
    if host == LOOPBACK:
        return (host, "localhost")
    if host not in ("0.0.0.0", "::"):
        return (f"[{host}]" if ":" in host else host,)
    import psutil

    families = (a for addresses in psutil.net_if_addrs().values() for a in addresses)
    ipv4 = [a.address for a in families if a.family == socket.AF_INET]
    return (*sorted(ipv4, key=lambda address: address != LOOPBACK), socket.gethostname())


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
        if error.errno in (98, 48):  # EADDRINUSE on Linux and macOS
            return None
        raise AnnotateError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return listener


def _is_free(host: str, port: int) -> bool:
    listener = _listen(host, port)
    if listener is not None:
        listener.close()
    return listener is not None


def _user(port: int) -> str:
    import psutil

    try:
        users = [c for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port]
        process = next(psutil.Process(c.pid) for c in users if c.status == "LISTEN" and c.pid)
        return f"{process.name()} (pid {process.pid})"
    except (psutil.Error, StopIteration, OSError):
        return "another user's process"


def _write(path: Path, text: str) -> None:
    """Write the file atomically, readable by its owner only."""
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
    keep_private()
    folder.path.mkdir(parents=True, exist_ok=True)
    file = os.open(folder.starting, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
