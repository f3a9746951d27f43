"""The actor that holds an agent on a node of the cluster; Ray sends this class there as it is.

A pair of sockets ties the two together: the agent ends with the actor, and the actor with the
agent. The agent is no child of the actor, as Ray kills those before they can end their trials.
A node needs nothing of ours, so this file imports the standard library and Ray only.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
import socket
import sys
import threading
from typing import Any

import ray

_CONNECT_LIMIT = 15.0  # seconds for the driver to connect, and to prove that it may
_UNUSED = 300.0  # seconds without an agent after which the actor ends
_END_LIMIT = 5.0  # seconds for a program to end
_SHOWN = 2000  # bytes of a program's standard error
#: Runs a command in a process that is no child of ours.
_START = "import os, sys; os.fork() and os._exit(0); os.execvp(sys.argv[1], sys.argv[1:])"
#: Variables of Ray's own worker that mean nothing to a trial.
_OF_THE_WORKER = (
    "PYTHONBREAKPOINT",
    "RAY_CLIENT_MODE",
    "RAY_JOB_ID",
    "RAY_LD_PRELOAD_ON_WORKERS",
    "RAY_RAYLET_PID",
    "SPT_NOENV",
)


class Holder:
    """Holds an agent, and leads to it: by a socket, or by calls where no socket can be reached."""

    def __init__(self) -> None:
        self._lifeline: socket.socket | None = None  # from the start of an agent
        self._kept: dict[str, Any] = {}
        self._environment = dict(os.environ)
        self._streams: dict[int, asyncio.Task[asyncio.subprocess.Process]] = {}
        self._errors: dict[int, asyncio.Task[bytes]] = {}
        unused = threading.Timer(_UNUSED, self._end_unused)
        unused.daemon = True
        unused.start()

    def _end_unused(self) -> None:
        """Give the resources back if the driver has ended before it could use them."""
        if self._lifeline is None:
            os._exit(0)

    async def about(self) -> dict[str, Any]:
        """Where it is, what Ray gave to it, and what `hold` was told to keep."""
        context = ray.get_runtime_context()
        return {
            "node": context.get_node_id(),
            "host": socket.gethostname(),
            "ip": ray.util.get_node_ip_address(),
            "gpus": context.get_accelerator_ids().get("GPU", []),
            "python": sys.executable,
            "kept": self._kept,
        }

    async def prepare(self, threads: int) -> None:
        """Make the environment of the agent and its trials; each uses so many threads."""
        own = {name: value for name, value in os.environ.items() if name not in _OF_THE_WORKER}
        # Ray means this for all CPUs of the actor; it leaves a user's own value alone.
        assigned = int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1))
        if own.get("OMP_NUM_THREADS") == str(max(1, assigned)):
            own["OMP_NUM_THREADS"] = str(threads)
        self._environment = own

    async def hold(self, command: list[str], data: bytes, kept: dict[str, Any]) -> None:
        """Start the agent, which reads `data`."""
        if self._lifeline is not None:
            return
        self._kept = kept
        self._lifeline, its_end = socket.socketpair()
        self._lifeline.setblocking(False)
        with its_end:
            starter = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-c", _START, *command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[its_end.fileno()],
                env={**self._environment, "ANNOTATE_LIFELINE": str(its_end.fileno())},
            )
        assert starter.stdin is not None
        with contextlib.suppress(OSError):  # it may have failed; `join` is told why
            starter.stdin.write(data)
            await starter.stdin.drain()
            starter.stdin.close()
        await starter.wait()

    async def until_end(self) -> None:
        """End this actor as soon as the agent has ended."""
        assert self._lifeline is not None
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_recv(self._lifeline, 1)
        ray.actor.exit_actor()

    # A socket

    async def listen(self, command: list[str], token: bytes) -> tuple[int, str, int]:
        """Start `command` on the connection of whoever sends `token`: a stream and its address."""
        address = ray.util.get_node_ip_address()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listening = socket.create_server((address, 0), family=family)
        listening.setblocking(False)
        number = self._next()
        self._streams[number] = asyncio.create_task(self._serve(number, listening, command, token))
        return number, address, listening.getsockname()[1]

    async def _serve(
        self, number: int, listening: socket.socket, command: list[str], token: bytes
    ) -> asyncio.subprocess.Process:
        with listening:
            channel = await asyncio.wait_for(_accept(listening, token), _CONNECT_LIMIT)
        with channel:
            channel.setblocking(True)  # as programs expect of their standard input
            return await self._start(number, command, channel, channel)

    # Calls

    async def open(self, command: list[str]) -> int:
        """Start `command`; returns the stream for the methods below."""
        number = self._next()
        pipe = asyncio.subprocess.PIPE
        self._streams[number] = asyncio.create_task(self._start(number, command, pipe, pipe))
        await self._streams[number]
        return number

    async def read(self, stream: int, size: int) -> bytes:
        """At most `size` bytes, b"" at the end."""
        output = (await self._streams[stream]).stdout
        assert output is not None
        return await output.read(size)

    async def write(self, stream: int, data: bytes) -> bool:
        """Write all data; False if the program reads no more."""
        source = (await self._streams[stream]).stdin
        assert source is not None
        try:
            source.write(data)
            await source.drain()
        except OSError:
            return False
        return True

    async def close(self, stream: int) -> str:
        """End the program, and return the end of its standard error."""
        task = self._streams.pop(stream, None)
        if task is None:
            return ""
        task.cancel()  # without effect if the program runs
        try:
            process = await task
        except (asyncio.CancelledError, asyncio.TimeoutError, OSError):
            return ""
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _END_LIMIT)
        except asyncio.TimeoutError:
            process.kill()
        return (await self._errors.pop(stream)).decode(errors="replace")

    def _next(self) -> int:
        return max(self._streams, default=0) + 1

    async def _start(
        self, number: int, command: list[str], source: Any, goal: Any
    ) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=source,
            stdout=goal,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=self._environment,
        )
        assert process.stderr is not None
        self._errors[number] = asyncio.create_task(_end_of(process.stderr))
        return process


async def _accept(listening: socket.socket, token: bytes) -> socket.socket:
    """The first connection that begins with the token; others are closed."""
    loop = asyncio.get_running_loop()
    while True:
        channel, _ = await loop.sock_accept(listening)
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        channel.setblocking(False)
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            first = await asyncio.wait_for(_receive(channel, len(token)), _CONNECT_LIMIT / 3)
            if hmac.compare_digest(first, token):
                return channel
        channel.close()


async def _receive(channel: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = await asyncio.get_running_loop().sock_recv(channel, size - len(data))
        if not part:
            return data
        data += part
    return data


async def _end_of(stream: asyncio.StreamReader) -> bytes:
    text = b""
    while data := await stream.read(4096):
        text = (text + data)[-_SHOWN:]
    return text
