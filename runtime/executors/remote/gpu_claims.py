"""Which GPUs of other machines the experiment claims, and what their agents say about them."""

from __future__ import annotations

from collections.abc import Mapping

from runtime.executors.base import NewView
from runtime.executors.remote.machine import Machine
from runtime.stage.agent.frames import Message
from runtime.stage.agent.gpus.device import View
from runtime.stage.agent.gpus.locks import Holder


class GpuClaims:
    """The claims of one experiment, by the machine's name: they outlive a connection."""

    def __init__(self, experiment: str) -> None:
        self._experiment = experiment
        self._claims: dict[str, Mapping[str, int]] = {}
        self._watched: set[str] = set()

    def set(self, machine: str, claims: Mapping[str, int], *, watch: bool) -> None:
        self._claims[machine] = claims
        (self._watched.add if watch else self._watched.discard)(machine)

    def send(self, machine: Machine) -> None:
        """Tell the machine, which answers with a view."""
        machine.send(
            {
                "do": "gpus",
                "experiment": self._experiment,
                "claims": self._claims.get(machine.name, {}),
                "watch": machine.name in self._watched,
            }
        )


def new_view(machine: Machine, message: Message) -> NewView:
    """The event for what the machine's agent has sent."""
    return NewView(
        View.from_json(message["view"]),
        machine.name,
        {uuid: (int(token), float(at)) for uuid, (token, at) in message["held"].items()},
        {uuid: Holder(**holder) for uuid, holder in message["others"].items()},
        message["visible"],
        machine.carrier.slots,
    )
