"""Leads to the agent that an actor of Ray holds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Sequence

from runtime.executors.ray.connection import RayConnection
from runtime.executors.remote.carrier import Carrier, Stream, Unreachable

_REACHABLE = 5.0  # seconds for a node to take a connection
_READ = 1 << 18  # bytes


class ActorCarrier(Carrier):
    """An actor, to which a socket leads where its node can be reached, else Ray's own calls."""

    platform = "ray"
    program = "join"

    def __init__(
        self, ray: RayConnection, actor: str, name: str, slots: int | None, python: str
    ) -> None:
        self.actor, self.name, self.slots, self.python = actor, name, slots, python
        self.instance = actor.rpartition("-")[2]
        self._ray = ray
        # Ray's client is for networks that do not lead to the nodes; TLS says that all is secret.
        encrypts = os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true")
        self._direct = not (ray.address.startswith("ray://") or encrypts)

    async def open(self, command: Sequence[str]) -> Stream:
        if self._direct:
            stream = await self._connect(command)
            if stream is not None:
                return stream
            self._direct = False
        number = await self._ray.call("open", name=self.actor, command=list(command))
        return _CallStream(self._ray, self.actor, number)

    async def _connect(self, command: Sequence[str]) -> Stream | None:
        token = secrets.token_bytes(32)
        number, address, port = await self._ray.call(
            "listen", name=self.actor, command=list(command), token=token.hex()
        )
        try:
            opening = asyncio.open_connection(address, port)
            reader, writer = await asyncio.wait_for(opening, _REACHABLE)
        except (OSError, asyncio.TimeoutError):
            await self._ray.call("close", name=self.actor, stream=number)
            return None
        channel = writer.get_extra_info("socket")
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        writer.write(token)
        return _SocketStream(self._ray, self.actor, number, reader, writer)


class _ActorStream(Stream):
    def __init__(self, ray: RayConnection, actor: str, number: int) -> None:
        self._ray, self._actor, self._number = ray, actor, number

    async def close(self) -> str:
        with contextlib.suppress(Unreachable):
            text = await self._ray.call("close", name=self._actor, stream=self._number)
            return str(text)
        return ""


class _SocketStream(_ActorStream):
    def __init__(
        self,
        ray: RayConnection,
        actor: str,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        super().__init__(ray, actor, number)
        self._reader, self._writer = reader, writer

    async def read(self, size: int) -> bytes:
        try:
            return await self._reader.read(size)
        except OSError:
            return b""

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> str:
        self._writer.close()
        return await super().close()


class _CallStream(_ActorStream):
    """Reads ahead, as a call costs milliseconds; a read that is cut off goes on."""

    def __init__(self, ray: RayConnection, actor: str, number: int) -> None:
        super().__init__(ray, actor, number)
        self._data = b""
        self._reading: asyncio.Task[bytes] | None = None

    async def read(self, size: int) -> bytes:
        if not self._data:
            self._reading = self._reading or asyncio.create_task(self._read())
            self._data = await asyncio.shield(self._reading)
            self._reading = None
        data, self._data = self._data[:size], self._data[size:]
        return data

    async def _read(self) -> bytes:
        try:
            data: bytes | None = await self._ray.call(
                "read", limit=None, name=self._actor, stream=self._number, size=_READ
            )
        except Unreachable:
            return b""
        return data or b""

    async def write(self, data: bytes) -> None:
        try:
            taken = await self._ray.call("write", data, name=self._actor, stream=self._number)
        except Unreachable as error:
            raise OSError(str(error)) from None
        if not taken:
            raise OSError("the program reads no more")

    async def close(self) -> str:
        if self._reading is not None:
            self._reading.cancel()
        return await super().close()
