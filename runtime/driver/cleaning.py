"""Removes what agents left on machines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from runtime.core.host import Host
from runtime.executors.remote import code
from runtime.executors.remote.answer import answer
from runtime.executors.remote.carrier import Carrier, Unreachable
from runtime.executors.ssh.carrier import SshCarrier
from runtime.stage.agent.frames import Message


def clean(hosts: Sequence[Host]) -> list[Message | Unreachable]:
    """What was removed on each host, or why nothing was."""
    return asyncio.run(_clean(hosts))


async def _clean(hosts: Sequence[Host]) -> list[Message | Unreachable]:
    return list(await asyncio.gather(*(clean_one(SshCarrier(host)) for host in hosts)))


async def clean_one(carrier: Carrier, kept: Sequence[str] = ()) -> Message | Unreachable:
    """What was removed on a machine, beside experiments of these names, or why nothing was."""
    try:
        stream = await carrier.open(code.clean_command(carrier.python, kept))
        removed = await answer(stream)
        await stream.close()
    except Unreachable as error:
        return error
    finally:
        await carrier.close()
    return removed
