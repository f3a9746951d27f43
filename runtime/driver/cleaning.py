"""Removes what agents left on machines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from runtime.core.host import Host
from runtime.executors.ray.look import at_each_node
from runtime.executors.ray.request import RayRequest
from runtime.executors.remote import code
from runtime.executors.remote.answer import answer
from runtime.executors.remote.carrier import Carrier, Unreachable
from runtime.executors.ssh.carrier import SshCarrier
from runtime.stage.agent.frames import Message


def clean(hosts: Sequence[Host]) -> list[Message | Unreachable]:
    """What was removed on each host, or why nothing was."""
    return asyncio.run(_clean(hosts))


def clean_cluster(request: RayRequest, python: str) -> dict[str, Message | Unreachable]:
    """The same for each node of a Ray cluster, by its name. Raises Unreachable."""
    # One by one, as nodes may share a home folder.
    done = asyncio.run(at_each_node(request, python, clean_one, at_once=1))
    return {each.name: each.result for each in done}


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
