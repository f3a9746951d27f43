"""A driver's connection to a Ray cluster, by a process that speaks with Ray."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any

from annotate.errors import AnnotateError
from runtime.executors.remote.answer import answer
from runtime.executors.remote.carrier import Unreachable
from runtime.executors.remote.process_stream import ProcessStream, open_process
from runtime.stage.agent.frames import Damaged, Decoder, Message, encode

_ROOT = str(Path(__file__).parents[3])
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "from runtime.executors.ray.gateway import run; run(sys.argv[1])"
)
_CONNECT_LIMIT = 120.0  # seconds; starting a cluster on a busy machine takes a minute
_ANSWER_LIMIT = 60.0  # seconds
_READ = 1 << 18  # bytes


class Gone(Unreachable):
    """The actor has ended, and with it everything that it held."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, final=True)


def check_installed() -> None:
    """Raises AnnotateError if there is no Ray."""
    if importlib.util.find_spec("ray") is None:
        raise AnnotateError(
            "trials on Ray need the package ray",
            hint='install it with: pip install "annotate-hpo[ray]"',
        )


class RayConnection:
    """Connects to the cluster at `address` when it is first needed, and again after it broke."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._stream: ProcessStream | None = None
        self._reading: asyncio.Task[None] | None = None
        self._numbers = itertools.count()
        self._answers: dict[int, asyncio.Future[tuple[Message, bytes]]] = {}
        self._lock = asyncio.Lock()

    async def connect(self) -> None:
        """Connect unless it is; raises Unreachable, which is never final: a cluster may return."""
        async with self._lock:
            try:
                if self._stream is None:
                    await self._connect()
            except Unreachable as error:
                raise Unreachable(str(error), error.hint) from None

    async def _connect(self) -> None:
        path = json.dumps([_ROOT, *(entry for entry in sys.path if entry)])
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        arguments = json.dumps({"address": self.address})
        stream = await open_process([sys.executable, "-c", _PROGRAM, path, arguments], environment)
        try:
            await asyncio.wait_for(answer(stream), _CONNECT_LIMIT)
        except asyncio.CancelledError:
            await stream.close()
            raise
        except asyncio.TimeoutError:
            await stream.close()
            reason = f"Ray gave no answer within {_CONNECT_LIMIT:g} s"
            raise Unreachable(reason, "check with: ray status") from None
        self._stream = stream
        self._reading = asyncio.create_task(self._read(stream))

    async def call(
        self, do: str, data: bytes = b"", *, limit: float | None = _ANSWER_LIMIT, **fields: Any
    ) -> Any:
        """Have the gateway do something; returns the result, which may be bytes.

        Raises Unreachable if there is no answer within `limit` seconds, and Gone.
        """
        await self.connect()
        assert self._stream is not None
        number = next(self._numbers)
        future = asyncio.get_running_loop().create_future()
        self._answers[number] = future
        try:
            await self._stream.write(encode({"do": do, "id": number, **fields}, data))
            message, content = await asyncio.wait_for(future, limit)
        except (OSError, AttributeError):
            raise Unreachable("the connection to Ray broke") from None
        except asyncio.TimeoutError:
            raise Unreachable(f"Ray gave no answer within {limit:g} s") from None
        finally:
            self._answers.pop(number, None)
        if message.get("gone"):
            raise Gone(str(message["error"]))
        if "error" in message:
            raise Unreachable(str(message["error"]))
        return content or message["result"]

    async def _read(self, stream: ProcessStream) -> None:
        """Take answers until the gateway ends."""
        decoder = Decoder()
        with contextlib.suppress(Damaged):
            while data := await stream.read(_READ):
                for message, content in decoder.feed(data):
                    future = self._answers.get(message["id"])
                    if future is not None and not future.done():
                        future.set_result((message, content))
        self._stream = None
        for future in self._answers.values():
            if not future.done():
                future.set_exception(Unreachable("the connection to Ray broke"))
        await stream.close()

    async def close(self) -> None:
        """Disconnect; ends a cluster of our own."""
        async with self._lock:
            stream, self._stream = self._stream, None
            if stream is None or self._reading is None:
                return
            self._reading.cancel()
            await asyncio.wait([self._reading])
            await stream.close()
