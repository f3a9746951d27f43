"""Connects to a machine by SSH, as the user's own `ssh` would: its config, keys and agent."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runtime.executors.remote.carrier import Carrier, Stream, Unreachable
from runtime.executors.ssh.host import Host

if TYPE_CHECKING:
    import asyncssh

_CONNECT_LIMIT = 15.0  # seconds
_KEEPALIVE = 10.0  # seconds between two signs of life; three missing ones end the connection


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

        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        words = shlex.join(command)
        if self.host.before:
            words = shlex.join(["sh", "-c", f"{self.host.before}\nexec {words}"])
        try:
            process = await self._connection.create_process(words, encoding=None)
        except (asyncssh.Error, OSError) as error:
            await self.close()
            raise Unreachable(str(error)) from None
        return _SshStream(process)

    async def check(self) -> None:
        """Connect and disconnect; raises Unreachable."""
        self._connection = await self._connect()
        await self.close()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            await connection.wait_closed()

    async def _connect(self) -> asyncssh.SSHClientConnection:
        import asyncssh

        try:
            return await asyncssh.connect(
                self.host.address,
                **self._options(),
                connect_timeout=_CONNECT_LIMIT,
                login_timeout=_CONNECT_LIMIT,
                keepalive_interval=_KEEPALIVE,
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise await self._unknown_key(error) from None
        except asyncssh.PermissionDenied as error:
            raise Unreachable(
                f"it does not let {self.host.login} in: {error.reason}",
                f"check with: ssh {self.host.ssh_words}",
                final=True,
            ) from None
        except (ValueError, asyncssh.ConfigParseError) as error:  # a damaged or locked key
            raise Unreachable(str(error), "see ~/.ssh/config", final=True) from None
        except asyncio.TimeoutError:
            raise Unreachable(f"no answer within {_CONNECT_LIMIT:g} s") from None
        except (asyncssh.Error, OSError) as error:
            raise Unreachable(str(error) or type(error).__name__) from None

    def _options(self) -> dict[str, Any]:
        """Options for `connect`; what is not given comes from the user's config."""
        host = self.host
        options = {
            "port": host.port,
            "username": host.user,
            "client_keys": host.key and [host.key],
            "passphrase": host.passphrase,
            "password": host.password,
        }
        return {name: value for name, value in options.items() if value is not None}

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
