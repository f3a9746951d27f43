"""Connects to a machine by SSH, as the user's own `ssh` would: its config, keys and agent."""

from __future__ import annotations

import asyncio
import errno
import shlex
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.core.host import Host
from runtime.executors.remote.carrier import Carrier, Stream, Unreachable

if TYPE_CHECKING:
    import asyncssh

_CONNECT_LIMIT = 15.0  # seconds
_KEEPALIVE = 10.0  # seconds between two signs of life; three missing ones end the connection
PASSPHRASE, PASSWORD = "passphrase", "password"

_REASONS = {
    errno.ECONNREFUSED: "the connection is refused: no SSH server listens there",
    errno.EHOSTUNREACH: "there is no way to the host",
    errno.ENETUNREACH: "there is no way to its network",
}
#: Has bash, if there is one, run a script.
_SHELL = 'command -v bash >/dev/null 2>&1 && exec bash -c "$0"; exec sh -c "$0"'
_FAILED = (
    """{ echo '{"error": "its preCommand failed", "hint": "try it there by hand"}'; exit 2; }"""
)


class LockedOut(Unreachable):
    """The host does not let the user in; `wants` are fields of Login that may help."""

    def __init__(self, reason: str, hint: str, wants: Sequence[str]) -> None:
        super().__init__(reason, hint, final=True)
        self.wants = tuple(wants)


class SshCarrier(Carrier):
    """One host; the connection is opened when it is first needed, and again after it broke."""

    platform = "remote"

    def __init__(self, host: Host) -> None:
        self.host = host
        self.name = host.name
        self.slots = host.slots
        self.python = host.python
        self._connection: asyncssh.SSHClientConnection | None = None

    async def open(self, command: Sequence[str]) -> Stream:
        import asyncssh

        await self.connect()
        assert self._connection is not None
        words = _line(self.host, command)
        try:
            process = await self._connection.create_process(words, encoding=None)
        except (asyncssh.Error, OSError) as error:
            await self.close()
            raise Unreachable(str(error)) from None
        return _SshStream(process)

    async def connect(self) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            await connection.wait_closed()

    async def _connect(self) -> asyncssh.SSHClientConnection:
        import asyncssh

        offers: set[str] = set()
        try:
            return await asyncssh.connect(
                self.host.address,
                **self._options(),
                encryption_algs=self._ciphers(),
                client_factory=lambda: _client(offers),
                connect_timeout=_CONNECT_LIMIT,
                login_timeout=_CONNECT_LIMIT,
                keepalive_interval=_KEEPALIVE,
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise await self._unknown_key(error) from None
        except asyncssh.PermissionDenied as error:
            raise self._locked_out(error.reason, offers) from None
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            if "bcrypt" in str(error):
                hint = "install it with: pip install bcrypt"
                raise Unreachable("its key needs the package bcrypt", hint, final=True) from None
            raise self._locked_out(str(error), offers) from None
        except (ValueError, asyncssh.ConfigParseError) as error:  # a damaged key
            raise Unreachable(str(error), "see ~/.ssh/config", final=True) from None
        except asyncio.TimeoutError:
            raise Unreachable(f"no answer within {_CONNECT_LIMIT:g} s") from None
        except (asyncssh.Error, OSError) as error:
            raise Unreachable(_reason(error), f"check with: ssh {self.host.ssh_words}") from None

    def _locked_out(self, reason: str, offers: set[str]) -> LockedOut:
        wants = [PASSPHRASE] if self._has_locked_key() else []
        wants += [PASSWORD] if offers else []
        hint = f"check with: ssh {self.host.ssh_words}"
        if wants == [PASSPHRASE]:
            hint = "a key has a passphrase: unlock it with ssh-add, or run this on a terminal"
        elif wants:
            hint += "; it takes passwords, which Annotate asks for on a terminal only"
        return LockedOut(f"it does not let {self.host.user or 'you'} in: {reason}", hint, wants)

    def _has_locked_key(self) -> bool:
        """Whether one of the user's keys for the host cannot be read with the passphrase."""
        import asyncssh

        keys = [Path(self.host.key)] if self.host.key else _keys(self.host)
        for path in keys:
            try:
                asyncssh.read_private_key(path, self.host.login.passphrase)
            except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
                return True
            except (OSError, ValueError):
                continue
        return False

    def _options(self) -> dict[str, Any]:
        """Options for `connect`; what is not given comes from the user's config."""
        host = self.host
        options = {
            "port": host.port,
            "username": host.user,
            "client_keys": host.key and [host.key],
            "passphrase": host.login.passphrase,
            "password": host.login.password,
        }
        return {name: value for name, value in options.items() if value is not None}

    def _ciphers(self) -> list[str]:
        """Names of ciphers, best first: those of the user's config, or else AES-GCM before others.

        asyncssh encrypts a packet with AES-GCM in a tenth of the time that its first choice takes.
        """
        import asyncssh

        known = {n: value for n, value in self._options().items() if n in ("port", "username")}
        defaults = asyncssh.SSHClientConnectionOptions(client_keys=None).encryption_algs
        own = asyncssh.SSHClientConnectionOptions(
            host=self.host.address, config=(), client_keys=None, **known
        ).encryption_algs
        names = [name.decode() for name in own]
        return names if own != defaults else sorted(names, key=lambda name: "-gcm@" not in name)

    async def _unknown_key(self, error: Exception) -> Unreachable:
        import asyncssh

        options = {name: value for name, value in self._options().items() if name == "port"}
        try:
            key = await asyncssh.get_server_host_key(self.host.address, **options)
        except (asyncssh.Error, OSError):
            key = None
        if key is None:
            return Unreachable(str(error), final=True)
        return Unreachable(
            f"its host key is unknown: {key.get_algorithm()} {key.get_fingerprint()}",
            f"compare it with the machine's own, then trust it: ssh {self.host.ssh_words} true",
            final=True,
        )


def _line(host: Host, command: Sequence[str]) -> str:
    """A line for the login shell that runs the command after what the host needs before it."""
    words = shlex.join(command)
    lines = []
    if host.folder:
        home, _, below = host.folder.partition("/")
        folder = f'"$HOME"/{shlex.quote(below)}' if home == "~" else shlex.quote(host.folder)
        lines.append(f'PATH={folder}:"$PATH"; export PATH')
    if host.before:
        lines.append(f"{{ {host.before}\n}} </dev/null >&2 || {_FAILED}")
    if not lines:
        return words
    script = "\n".join([*lines, f"exec {words}"])
    return shlex.join(["sh", "-c", _SHELL, script])


def _client(offers: set[str]) -> asyncssh.SSHClient:
    """Adds to `offers` how the host would take a password, if it was given none."""
    import asyncssh

    class Client(asyncssh.SSHClient):
        def password_auth_requested(self) -> None:
            offers.add("password")

        def kbdint_auth_requested(self) -> None:
            offers.add("keyboard-interactive")

    return Client()


def _keys(host: Host) -> list[Path]:
    """The files that `ssh` would look for a key in."""
    config = Path.home() / ".ssh" / "config"
    words = ["ssh", *(["-F", str(config)] if config.exists() else []), "-G", host.address]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_CONNECT_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = (line.partition(" ") for line in done.stdout.splitlines())
    return [Path(path).expanduser() for name, _, path in lines if name == "identityfile"]


def _reason(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "there is no host of this name"
    if isinstance(error, OSError) and error.errno in _REASONS:
        return _REASONS[error.errno]
    return str(error) or type(error).__name__


class _SshStream(Stream):
    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._process = process

    async def read(self, size: int) -> bytes:
        import asyncssh

        try:
            return await self._process.stdout.read(size)
        except (asyncssh.Error, OSError):
            return b""

    async def write(self, data: bytes) -> None:
        import asyncssh

        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
        except asyncssh.Error as error:
            raise OSError(str(error)) from None

    async def close(self) -> str:
        import asyncssh

        try:
            if self._process.stdout.at_eof():
                text = await self._process.stderr.read(2000)
            else:
                text = b""
            self._process.close()
        except (asyncssh.Error, OSError):
            return ""
        return text.decode(errors="replace")
