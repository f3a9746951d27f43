"""The actors of one experiment, as far as they are known."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime.executors.ray.placing import gpus_of
from runtime.executors.ray.request import RayRequest
from runtime.executors.remote.machine import Machine


@dataclass(slots=True)
class Holding:
    """An actor with resources for `slots` trials at a time; times are monotonic seconds.

    `name` is what its machine is called. `node` is the ID of its node, None if Ray is to choose
    one. `machine` exists once it has a place. `gpus` are the numbers of those that Ray gave to it.
    `used` has its trials by slot. `idle_since` is when the last of them ended, and `retired`
    whether it was told to end.
    """

    actor: str
    slots: int
    name: str = ""
    node: str | None = None
    asked_at: float = field(default_factory=time.monotonic)
    machine: Machine | None = None
    gpus: tuple[str, ...] = ()
    used: dict[int, int] = field(default_factory=dict)
    idle_since: float = field(default_factory=time.monotonic)
    retired: bool = False

    def take(self, trial: int, slot: int | None = None) -> int:
        """Give a slot to a trial: the first that is free, or the one that it has."""
        if slot is None:
            slot = next(n for n in range(self.slots + len(self.used)) if n not in self.used)
        self.used[slot] = trial
        return slot

    def slot_of(self, trial: int) -> int | None:
        return next((slot for slot, each in self.used.items() if each == trial), None)

    def give_back(self, trial: int) -> None:
        self.used = {slot: each for slot, each in self.used.items() if each != trial}
        self.idle_since = time.monotonic()

    def variables(self, slot: int, request: RayRequest) -> Mapping[str, str]:
        """What a trial in the slot sees of the GPUs."""
        gpus = gpus_of(slot, self.gpus, request.gpus)
        return {} if gpus is None else {"CUDA_VISIBLE_DEVICES": gpus}

    def kept(self) -> dict[str, Any]:
        """What the actor keeps for a driver that comes after this one."""
        return {"machine": self.name, "slots": self.slots}


def new_name(experiment: str) -> str:
    """The name of an actor of the experiment."""
    return f"{prefix(experiment)}{secrets.token_hex(4)}"


def prefix(experiment: str) -> str:
    return f"annotate-{experiment}-"


def machine_name(about: Mapping[str, Any], others: Iterable[str]) -> str:
    """What users call the actor's machine: its node, with a number if there are several of it."""
    node: str = about["ip"] if about["ip"].startswith("127.") else about["host"]
    taken, number = set(others), 1
    name = node
    while name in taken:
        number += 1
        name = f"{node} ({number})"
    return name
