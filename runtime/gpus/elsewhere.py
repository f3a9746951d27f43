"""The driver's side of the GPUs of another machine, where an agent locks and reads them."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from runtime.stage.agent.gpus.device import Device, View
from runtime.stage.agent.gpus.locks import AlreadyHeld, Holder

#: Sends claims to the agent: GPUs by UUID, each with a token, and whether to post views regularly.
Send = Callable[[Mapping[str, int], bool], None]


class DistantGpus:
    """Claims GPUs at once, and learns from the next view whether the agent has locked them.

    It is the machine's `Locks`, and watches its GPUs as a `Poller` does. What changes goes to the
    agent by `flush`.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._claims: dict[str, int] = {}
        self._tokens = itertools.count(1)
        self._others: Mapping[str, Holder] = {}
        self._watching = self._changed = False

    @property
    def watching(self) -> bool:
        return self._watching

    @watching.setter
    def watching(self, watching: bool) -> None:
        self._changed = self._changed or watching != self._watching
        self._watching = watching

    def request(self) -> None:
        """Request a view that begins after this call."""
        self._changed = True

    def flush(self) -> None:
        """Tell the agent what has changed."""
        if self._changed:
            self._changed = False
            self._send(dict(self._claims), self._watching)

    def see(
        self, view: View, held: Mapping[str, tuple[int, float]], others: Mapping[str, Holder]
    ) -> View:
        """The agent's view by our clock. A GPU that we claim is as of now, if it was read since.

        `held` and `others` are as in `NewView`.
        """
        self._others = others
        now = time.monotonic()
        return replace(
            view,
            began=now,
            devices=tuple(
                replace(device, read=self._read_at(device, view, held, now))
                for device in view.devices
            ),
        )

    def _read_at(
        self, device: Device, view: View, held: Mapping[str, tuple[int, float]], now: float
    ) -> float:
        wanted = self._claims.get(device.uuid)
        token, since = held.get(device.uuid, (0, math.inf))
        if wanted is not None and (token != wanted or device.read < since):
            return -math.inf  # before our claim
        # A slow GPU's last answer is from before this view.
        return now if device.read >= view.began else math.nextafter(now, 0)

    # Locks

    def take(self, uuid: str) -> Claim:
        """Claim the GPU's lock. Raises AlreadyHeld if another experiment is known to hold it."""
        if uuid in self._others:
            raise AlreadyHeld(self._others[uuid])
        self.claim(uuid)
        return Claim(self, uuid)

    def claim(self, uuid: str) -> None:
        self._claims[uuid] = next(self._tokens)
        self._changed = True

    def withdraw(self, uuid: str) -> None:
        del self._claims[uuid]
        self._changed = True

    def holder(self, uuid: str) -> Holder | None:
        """Who else holds the lock, as of the last view."""
        return self._others.get(uuid)

    def close(self) -> None:
        """The executor ends the agent, and with it all locks, or leaves both to a later driver."""


class Claim:
    """A lock that the agent holds for us, or was asked to take."""

    def __init__(self, gpus: DistantGpus, uuid: str) -> None:
        self._gpus, self._uuid = gpus, uuid

    def sign(self, holder: Holder) -> None:
        """The agent does."""

    def renew(self) -> None:
        self._gpus.claim(self._uuid)

    def lost_to(self) -> Holder | None:
        return self._gpus.holder(self._uuid)

    def release(self) -> None:
        self._gpus.withdraw(self._uuid)
