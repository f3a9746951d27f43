"""Looks at a machine: whether trials can run there, and what it has."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from runtime.executors.remote import code
from runtime.executors.remote.answer import answer
from runtime.executors.remote.carrier import Carrier, Unreachable
from runtime.stage.agent.frames import Message

_LIMIT = 30.0  # seconds
_GPU_LIMIT = 45.0  # seconds more for NVIDIA's driver


@dataclass(frozen=True, slots=True)
class Seen:
    """A machine that can be used: `facts` are those of the agent, times are seconds.

    With a look at its GPUs, they also have `gpus`, as `stage/agent/gpus/look.py` returns it.
    """

    facts: Message
    connecting: float
    answering: float


async def probe(
    carrier: Carrier, *, gpus: bool = False, limit: float = _LIMIT, paths: Sequence[str] = ()
) -> Seen:
    """Look at the machine, and at its `gpus`; leaves nothing there.

    The facts have those of the `paths` that it `sees`. Raises Unreachable after `limit` seconds,
    and some more for GPUs.
    """
    limit += _GPU_LIMIT if gpus else 0
    try:
        return await asyncio.wait_for(_probe(carrier, paths, gpus=gpus), limit)
    except asyncio.TimeoutError:
        raise Unreachable(f"its shell did not answer within {limit:g} s") from None
    finally:
        await carrier.close()


async def _probe(carrier: Carrier, paths: Sequence[str], *, gpus: bool) -> Seen:
    archive = code.archive(gpus=True) if gpus else b""
    began = time.monotonic()
    await carrier.connect()
    connected = time.monotonic()
    command = code.probe_command(carrier.python, size=len(archive), paths=paths)
    stream = await carrier.open(command)
    with contextlib.suppress(OSError):  # it has ended, and says why
        await stream.write(archive)
    facts = (await answer(stream))["facts"]
    answered = time.monotonic()
    await stream.close()
    return Seen(facts, connected - began, answered - connected)
