"""Where the slots of trials fit into a Ray cluster, and why they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotate.json_value import JSON
from runtime.executors.ray.request import RayRequest

_NEARLY = 1e-6  # Ray counts in units of 0.0001


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is alive, with all its resources and those that nobody uses."""

    id: str
    host: str
    ip: str
    total: Mapping[str, float]
    free: Mapping[str, float]

    @classmethod
    def from_json(cls, node: Mapping[str, JSON]) -> Node:
        return cls(node["id"], node["host"], node["ip"], node["total"], node["free"])


@dataclass(frozen=True, slots=True)
class Demand:
    """How many trials run at a time, None for as many as fit; and how many there are, if known."""

    at_a_time: int | None
    trials: int | None = None

    def slots(self, room: int) -> int:
        """How many slots they can use where there is room for so many."""
        limits = [self.at_a_time or room, *([] if self.trials is None else [self.trials])]
        return min(limits)


def slots_in(resources: Mapping[str, float], request: RayRequest) -> int:
    """How many trials fit, at most as many as a node may run."""
    most = 9999 if request.slots is None else request.slots
    fits = [
        int(resources.get(name, 0.0) / need + _NEARLY)
        for name, need in request.needs.items()
        if need
    ]
    return min([most, *fits])


def room(nodes: Sequence[Node], request: RayRequest) -> int:
    """How many trials the whole cluster runs at a time, if it does nothing else; at least 1."""
    return max(1, sum(slots_in(node.total, request) for node in nodes))


def spread(
    nodes: Sequence[Node], request: RayRequest, missing: int, taken: Mapping[str, int]
) -> list[tuple[str, int]]:
    """Share `missing` slots among nodes with free resources: nodes, each with its slots.

    `taken` has the slots that are there already, by node. A part of a GPU is no more than one GPU.
    """
    most = 9999 if request.slots is None else request.slots
    left = {
        node.id: min(slots_in(node.free, request), most - taken.get(node.id, 0)) for node in nodes
    }
    shares: dict[str, int] = {}
    for _ in range(missing):
        best = max(
            left, key=lambda node: (left[node] > 0, -shares.get(node, 0), left[node]), default=None
        )
        if best is None or left[best] <= 0:
            break
        left[best] -= 1
        shares[best] = shares.get(best, 0) + 1
    largest = int(1 / request.gpus + _NEARLY) if 0 < request.gpus < 1 else missing
    return [
        (node, min(largest, count - first))
        for node, count in shares.items()
        for first in range(0, count, largest)
    ]


def resources_for(request: RayRequest, slots: int) -> dict[str, float]:
    """What an actor with so many slots asks for, by Ray's names."""
    return {name: round(need * slots, 4) for name, need in request.needs.items()}


def gpus_of(slot: int, gpus: Sequence[str], each: float) -> str | None:
    """The value of CUDA_VISIBLE_DEVICES for a slot; None to leave it as Ray set it."""
    if not each:
        return None
    if each < 1:
        return ",".join(gpus[:1])
    count = int(each)
    return ",".join(gpus[slot * count : (slot + 1) * count])


def why_waiting(nodes: Sequence[Node], request: RayRequest) -> str:
    """Why there is no slot for a trial."""
    if not nodes:
        return "the Ray cluster has no nodes"
    for name, need in request.needs.items():
        most = max(node.total.get(name, 0.0) for node in nodes)
        if need > most:
            return f"no node of the Ray cluster has {need:g} {name}: at most {most:g}"
    if not any(slots_in(node.total, request) for node in nodes):
        return f"no node of the Ray cluster has {request.shown}"
    return f"the Ray cluster is busy: no node has {request.shown} free"
