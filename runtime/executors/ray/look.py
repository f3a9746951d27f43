"""Looks at a cluster: which nodes it has, and what trials would see there."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from runtime.executors.ray.carrier import ActorCarrier
from runtime.executors.ray.connection import RayConnection
from runtime.executors.ray.holdings import machine_name
from runtime.executors.ray.placing import Node, slots_in
from runtime.executors.ray.request import RayRequest
from runtime.executors.remote.carrier import Unreachable
from runtime.executors.remote.probe import Seen, probe

_STARTED = 120.0  # seconds for an actor without needs to start


@dataclass(frozen=True, slots=True)
class NodeLook:
    """A node called `name`, with room for `slots` trials, and what was seen or why nothing was."""

    name: str
    node: Node
    slots: int
    seen: Seen | Unreachable


async def look(request: RayRequest, python: str = "") -> list[NodeLook]:
    """Look at all nodes at once; leaves nothing there. Raises Unreachable."""
    ray = RayConnection(request.address)
    try:
        await ray.connect()
        nodes = [Node.from_json(node) for node in await ray.call("nodes")]
        seen = await asyncio.gather(*(_look(ray, node, python) for node in nodes))
    finally:
        await ray.close()
    looks: list[NodeLook] = []
    for node, each in zip(nodes, seen, strict=True):
        name = machine_name({"host": node.host, "ip": node.ip}, [look.name for look in looks])
        looks.append(NodeLook(name, node, slots_in(node.total, request), each))
    return looks


async def _look(ray: RayConnection, node: Node, python: str) -> Seen | Unreachable:
    actor = f"annotate-look-{secrets.token_hex(4)}"
    try:
        await ray.call("ask", name=actor, needs={}, node=node.id, detached=False)
        placed = await ray.call("about", limit=_STARTED, name=actor)
        carrier = ActorCarrier(ray, actor, node.host, None, python or placed["python"])
        seen = await probe(carrier)
        await ray.call("kill", name=actor)
    except Unreachable as error:
        return error
    return seen
