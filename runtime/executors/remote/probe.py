"""Looks at a machine: whether trials can run there, and what it has."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from runtime.executors.remote import code
from runtime.executors.remote.answer import answer
from runtime.executors.remote.carrier import Carrier, Unreachable
from runtime.stage.agent.frames import Message

_LIMIT = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Seen:
    """A machine that can be used: `facts` are those of the agent, times are seconds."""

    facts: Message
    connecting: float
    answering: float


async def probe(carrier: Carrier) -> Seen:
    """Look at the machine; leaves nothing there. Raises Unreachable."""
    try:
        return await asyncio.wait_for(_probe(carrier), _LIMIT)
    except asyncio.TimeoutError:
        raise Unreachable(f"its shell did not answer within {_LIMIT:g} s") from None
    finally:
        await carrier.close()


async def _probe(carrier: Carrier) -> Seen:
    began = time.monotonic()
    await carrier.connect()
    connected = time.monotonic()
    stream = await carrier.open(code.probe_command(carrier.python))
    facts = (await answer(stream))["facts"]
    answered = time.monotonic()
    await stream.close()
    return Seen(facts, connected - began, answered - connected)
