"""Looks at the nodes of a cluster, or works there, without an experiment."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from runtime.executors.ray.carrier import ActorCarrier
from runtime.executors.ray.connection import RayConnection
from runtime.executors.ray.holdings import machine_name
from runtime.executors.ray.placing import Node, slots_in
from runtime.executors.ray.request import RayRequest
from runtime.executors.remote.carrier import Carrier, Unreachable
from runtime.executors.remote.probe import Seen, probe

_STARTED = 120.0  # seconds for an actor without needs to start

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AtNode(Generic[T]):
    """A node called `name`, with room for `slots` trials, and what came of the work there."""

    name: str
    node: Node
    slots: int
    result: T | Unreachable


async def look(request: RayRequest, python: str = "") -> list[AtNode[Seen]]:
    """Look at all nodes at once; leaves nothing there. Raises Unreachable."""
    return await at_each_node(request, python, probe, at_once=99)


async def at_each_node(
    request: RayRequest, python: str, work: Callable[[Carrier], Awaitable[T]], *, at_once: int
) -> list[AtNode[T]]:
    """Do the work at all nodes, at some of them at a time. Raises Unreachable."""
    limit = asyncio.Semaphore(at_once)

    async def at(node: Node) -> T | Unreachable:
        async with limit:
            return await _at_node(ray, node, python, work)

    ray = RayConnection(request.address)
    try:
        await ray.connect()
        nodes = [Node.from_json(node) for node in await ray.call("nodes")]
        results = await asyncio.gather(*(at(node) for node in nodes))
    finally:
        await ray.close()
    done: list[AtNode[T]] = []
    for node, result in zip(nodes, results, strict=True):
        name = machine_name({"host": node.host, "ip": node.ip}, [each.name for each in done])
        done.append(AtNode(name, node, slots_in(node.total, request), result))
    return done


async def _at_node(
    ray: RayConnection, node: Node, python: str, work: Callable[[Carrier], Awaitable[T]]
) -> T | Unreachable:
    """Do the work through an actor that takes no resources."""
    actor = f"annotate-look-{secrets.token_hex(4)}"
    try:
        await ray.call("ask", name=actor, needs={}, node=node.id, detached=False)
        placed = await ray.call("about", limit=_STARTED, name=actor)
        result = await work(ActorCarrier(ray, actor, node.host, None, python or placed["python"]))
        await ray.call("kill", name=actor)
    except Unreachable as error:
        return error
    return result
