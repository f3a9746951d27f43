"""One machine: keeps the connection to its agent, and ships what the experiment needs there."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence

from annotate.json_value import JSON
from runtime.executors.layout import Layout
from runtime.executors.remote import code
from runtime.executors.remote.answer import answer
from runtime.executors.remote.carrier import Carrier, Stream, Unreachable
from runtime.executors.remote.plan import Plan
from runtime.stage.agent.frames import Damaged, Decoder, Message, encode

PROTOCOL = 1
_READ = 1 << 18  # bytes
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds between two attempts to connect
_PING = 15.0  # seconds of silence after which the agent is asked whether it is there
_SILENCE = 45.0  # seconds of silence after which the connection counts as broken


class Owner(ABC):
    """Is told what happens to a machine. All calls come from the event loop."""

    @abstractmethod
    def on_ready(self, machine: Machine, runs: Sequence[Mapping[str, JSON]]) -> None:
        """The machine takes jobs; `runs` are those that its agent knows."""

    @abstractmethod
    async def on_message(self, machine: Machine, message: Message, data: bytes) -> None:
        """The agent sent a message about a run."""

    @abstractmethod
    def on_down(self, machine: Machine, error: Unreachable) -> None:
        """The machine cannot be reached now; if `error.final`, not at all."""


class Machine:
    """Connects again and again until it is closed. Use it from the event loop only."""

    def __init__(self, carrier: Carrier, plan: Plan, owner: Owner) -> None:
        self.carrier = carrier
        self.layout: Layout | None = None  # known once it was ready
        self.facts: Mapping[str, JSON] = {}  # likewise
        self.ready = False
        self.draining = False  # whether it takes no more trials
        self.clock = 0.0  # seconds that its clock is ahead of ours
        self.down_since: float | None = time.monotonic()
        self._plan, self._owner = plan, owner
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._heard_at = 0.0  # monotonic seconds
        self._closing = asyncio.Event()
        self.closed = asyncio.Event()  # the agent has ended

    @property
    def name(self) -> str:
        return self.carrier.name

    def send(self, message: Message, data: bytes = b"") -> None:
        """Send a request; lost if the connection breaks."""
        self._outgoing.put_nowait(encode(message, data))

    async def run(self) -> None:
        """Keep the machine connected until `close`."""
        pause = _FIRST_PAUSE
        while not self._closing.is_set():
            try:
                await self._serve()
            except Unreachable as error:
                was_ready, self.ready = self.ready, False
                if was_ready:
                    self.down_since, pause = time.monotonic(), _FIRST_PAUSE
                self._owner.on_down(self, error)
                if error.final:
                    return
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def close(self, seconds: float) -> bool:
        """End the agent and all its trials; returns whether it said so in time."""
        self._closing.set()
        if self.ready:
            self.send({"do": "close"})
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.closed.wait(), seconds)
        return self.closed.is_set()

    # One connection

    async def _serve(self) -> None:
        """Use one connection until it ends, with Unreachable."""
        stream = await self._open()
        self._outgoing, self._heard_at = asyncio.Queue(), time.monotonic()
        # Of these tasks, whichever ends first ends the connection.
        tasks = [self._write(stream), self._watch(), self._receive(stream)]
        running = {asyncio.ensure_future(task) for task in tasks}
        try:
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        except Damaged as error:
            raise Unreachable(f"its agent sent something else: {error}") from None
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            text = await stream.close()
        if not self.closed.is_set():
            raise Unreachable(text.strip() or "the connection broke")

    async def _receive(self, stream: Stream) -> None:
        """Take the agent's messages until it has ended."""
        messages = self._messages(stream)
        runs = await self._greet(messages)
        self.ready, self.down_since = True, None
        self._owner.on_ready(self, runs)
        async for message, data in messages:
            if message["event"] == "closed":
                self.closed.set()
                return
            if message["event"] == "broke":
                raise Unreachable(f"its agent failed: {message['reason']}")
            await self._owner.on_message(self, message, data)

    async def _watch(self) -> None:
        """Ask the agent whether it is there if it is silent; raises Unreachable without answer."""
        while (silent := time.monotonic() - self._heard_at) < _SILENCE:
            if silent >= _PING:
                self.send({"do": "ping"})
            await asyncio.sleep(max(1.0, _PING - silent))
        raise Unreachable(f"no answer for {_SILENCE:g} s")

    async def _open(self) -> Stream:
        """Start the agent's bootstrap, and send the agent's code if the machine lacks it."""
        carrier = self.carrier
        name = "-".join(filter(None, (self._plan.folder.id, carrier.instance)))
        gpus = self._plan.gpus
        command = code.start_command(name, carrier.python, carrier.program, gpus=gpus)
        stream = await self.carrier.open(command)
        try:
            if (await answer(stream))["need"]:
                archive = code.archive(gpus=gpus)
                await stream.write(f"{len(archive)}\n".encode() + archive)
                await answer(stream)
        except (OSError, KeyError) as error:
            raise Unreachable(f"{(await stream.close()).strip() or error}") from None
        return stream

    async def _messages(self, stream: Stream) -> AsyncIterator[tuple[Message, bytes]]:
        """What the agent sends, until the connection ends."""
        decoder = Decoder()
        while True:
            try:
                data = await stream.read(_READ)
            except OSError:
                return
            if not data:
                return
            self._heard_at = time.monotonic()
            for message, content in decoder.feed(data):
                if message.get("event") != "pong":
                    yield message, content

    async def _write(self, stream: Stream) -> None:
        with contextlib.suppress(OSError):
            while True:
                data = bytearray(await self._outgoing.get())
                while not self._outgoing.empty() and len(data) < _READ:
                    data += self._outgoing.get_nowait()
                await stream.write(bytes(data))

    async def _greet(
        self, messages: AsyncIterator[tuple[Message, bytes]]
    ) -> Sequence[Mapping[str, JSON]]:
        """Prepare the agent for jobs; returns the runs that it knows."""
        sent = time.time()
        self.send({"do": "hello"})
        welcome = await _expect(messages, "welcome")
        facts = self.facts = welcome["facts"]
        self.clock = facts["time"] - (sent + time.time()) / 2
        if welcome["protocol"] != PROTOCOL:
            raise Unreachable("another version of Annotate uses this experiment there", final=True)
        self.layout = self._plan.layout(self.carrier, facts)
        if not welcome["serving"]:
            await self._ship(messages, facts["folder"])
        script = self._plan.script
        command = None if script is None else self.layout.server_command(script)
        self.send(
            {
                "do": "serve",
                "cwd": self.layout.cwd,
                "umask": self._plan.umask,
                "command": command and vars(command),
            }
        )
        runs: Sequence[Mapping[str, JSON]] = welcome["runs"]
        return runs

    async def _ship(self, messages: AsyncIterator[tuple[Message, bytes]], place: str) -> None:
        shipped = self._plan.shipped
        self.send({"do": "trees", "trees": shipped.trees})
        need = await _expect(messages, "need")
        for sha256 in need["hashes"]:
            for offset, data, last in shipped.parts(sha256):
                about = {"do": "blob", "sha256": sha256, "offset": offset, "last": last}
                self.send(about, data)
        self.send(
            {"do": "build", "names": list(shipped.trees), "files": self._plan.files_for(place)}
        )
        await _expect(messages, "built")


async def _expect(messages: AsyncIterator[tuple[Message, bytes]], event: str) -> Message:
    async for message, _ in messages:
        if message["event"] == event:
            return message
        if message["event"] == "broke":
            raise Unreachable(f"its agent failed: {message['reason']}")
    raise Unreachable("the connection broke")
