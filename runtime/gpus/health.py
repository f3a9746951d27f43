"""Quarantines GPUs on which trials fail at their start, or for which NVML reports a fault."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from runtime.gpus.waiting import clock
from runtime.stage.agent.gpus.device import View

_FAILURES = 2  # consecutive failures at the start after which a GPU is quarantined
_PERIOD = 600.0  # seconds of the first quarantine; each further one takes twice as long
_LONGEST = 4 * 3600.0

#: NVIDIA's Xid errors of the card, its memory, its bus or its firmware. Other Xid errors are
#: reported too, but they usually point to a bug in the program.
XIDS = {
    46: "the GPU stopped working",
    48: "an uncorrectable ECC error",
    61: "a microcontroller fault",
    62: "a microcontroller fault",
    63: "a memory row is being remapped",
    64: "a memory row could not be remapped",
    74: "an NVLink error",
    79: "the GPU has fallen off the bus",
    92: "many corrected ECC errors",
    94: "an ECC error contained in one program",
    95: "an ECC error not contained in one program",
    119: "the firmware does not answer",
    120: "a firmware fault",
    140: "an ECC error without recovery",
    143: "the GPU cannot be initialised",
}
_HARMLESS = {63, 92, 94}


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A GPU is not used for `period` seconds from `since` (seconds since the epoch)."""

    reason: str
    since: float
    period: float

    def __str__(self) -> str:
        return f"until {clock(self.since + self.period)}: {self.reason}"


class Health:
    """The record of each GPU, by UUID. `labels` maps UUIDs to the labels shown to users.

    `of` follows a label where it is not clear which machine has the GPU: " of alpha".
    """

    def __init__(
        self, labels: dict[str, str], *, of: str = "", now: Callable[[], float] = time.time
    ) -> None:
        self._labels = labels
        self._of = of
        self._now = now
        self._failures: dict[str, list[str]] = {}  # kinds of failure since the last success
        self._gpus_by_kind: dict[str, list[Collection[str]]] = {}  # the GPUs of each failed trial
        self._worked: set[str] = set()
        self._blamed: dict[str, list[str]] = {}  # kinds of failure that caused the quarantine
        self._quarantines: dict[str, Quarantine] = {}
        self._count: Counter[str] = Counter()  # quarantines since the last success
        self._errors: dict[str, int] = {}
        self._messages: list[str] = []

    def failures(self, uuid: str) -> int:
        """Consecutive failures of trials at their start on this GPU."""
        return len(self._failures.get(uuid, ()))

    def quarantine(self, uuid: str) -> Quarantine | None:
        """The GPU's current quarantine, if there is one."""
        current = self._quarantines.get(uuid)
        expired = current is None or self._now() >= current.since + current.period
        return None if expired else current

    def fault(self, uuid: str) -> str | None:
        """The error reported by NVML that caused the current quarantine, if one did."""
        quarantine = self.quarantine(uuid)
        return quarantine.reason if quarantine is not None and uuid not in self._blamed else None

    def take_messages(self) -> list[str]:
        """Messages for the user since the last call."""
        messages, self._messages = self._messages, []
        return messages

    def worked(self, uuids: Iterable[str]) -> None:
        """A trial got past its start on these GPUs."""
        for uuid in uuids:
            self._worked.add(uuid)
            self._failures.pop(uuid, None)
            self._count[uuid] = 0
        self._judge()

    def failed(self, uuids: Collection[str], kind: str) -> None:
        """A trial failed at its start on these GPUs; equal failures have the same `kind`.

        A failure that also occurs on other GPUs counts less against a GPU, because the script may
        be the cause.
        """
        self._gpus_by_kind.setdefault(kind, []).append(uuids)
        for uuid in uuids:
            self._failures.setdefault(uuid, []).append(kind)
        self._release_acquitted()
        self._judge()

    def check(self, view: View) -> None:
        """Quarantine GPUs with new Xid or ECC errors."""
        for card, number in view.xids:
            for uuid, label in self._labels.items():
                if label.partition(":")[0] == card:
                    self._handle_xid(uuid, number)
        for device in view.devices:
            before = self._errors.get(device.uuid)
            if device.errors is None or device.uuid not in self._labels:
                continue
            self._errors[device.uuid] = device.errors
            if before is not None and device.errors > before:
                self._begin(device.uuid, f"{device.errors - before} uncorrected ECC errors")

    def _handle_xid(self, uuid: str, number: int) -> None:
        meaning = XIDS.get(number)
        text = f"Xid {number}" + (f", {meaning}" if meaning else "")
        if meaning and number not in _HARMLESS:
            self._begin(uuid, text)
        else:
            self._messages.append(f"GPU {self._labels[uuid]}{self._of}: the driver reports {text}")

    def _is_to_blame(self, uuid: str, kinds: Sequence[str]) -> bool:
        """Whether these consecutive failures are the GPU's fault rather than the script's."""
        failed = [uuids for kind in set(kinds) for uuids in self._gpus_by_kind[kind]]
        return len(kinds) >= _FAILURES + sum(uuid not in uuids for uuids in failed)

    def _judge(self) -> None:
        for uuid, kinds in list(self._failures.items()):
            elsewhere = self._worked - {uuid}
            if elsewhere and self.quarantine(uuid) is None and self._is_to_blame(uuid, kinds):
                self._worked.discard(uuid)
                others = ", ".join(sorted(self._labels[name] for name in elsewhere))
                reason = (
                    f"{len(kinds)} trials in a row failed at their start on it, but other trials "
                    f"worked on GPU {others}"
                )
                self._begin(uuid, reason)
                self._blamed[uuid] = kinds
                self._failures[uuid] = kinds[-1:]  # afterwards, one more failure is enough

    def _release_acquitted(self) -> None:
        """End quarantines whose failures have since occurred on other GPUs too."""
        for uuid, kinds in list(self._blamed.items()):
            if self.quarantine(uuid) is not None and not self._is_to_blame(uuid, kinds):
                del self._blamed[uuid], self._quarantines[uuid]
                self._count[uuid] = max(0, self._count[uuid] - 1)
                label = self._labels[uuid]
                self._messages.append(
                    f"GPU {label}{self._of} is used again: trials fail elsewhere too"
                )

    def _begin(self, uuid: str, reason: str) -> None:
        period = min(_PERIOD * 2 ** self._count[uuid], _LONGEST)
        self._count[uuid] += 1
        self._blamed.pop(uuid, None)
        self._quarantines[uuid] = quarantine = Quarantine(reason, self._now(), period)
        self._messages.append(f"GPU {self._labels[uuid]}{self._of} is quarantined {quarantine}")
