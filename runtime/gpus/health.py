"""Which GPUs are not to be trusted for now: trials fail on them at start, or NVML names a fault."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from runtime.gpus.device import View
from runtime.gpus.waiting import clock

_FAILURES = 2  # at start, in a row, until a GPU is set aside
_PAUSE = 600.0  # seconds that it is, the first time; twice as long each time after
_LONGEST = 4 * 3600.0

#: NVIDIA's numbers for errors of the card, its memory, its bus or its firmware. The others are
#: told as well, but mostly mean a mistake of the program.
XIDS = {
    46: "it has stopped",
    48: "an ECC error that could not be corrected",
    61: "a fault of its microcontroller",
    62: "a fault of its microcontroller",
    63: "a part of its memory is being replaced",
    64: "a part of its memory could not be replaced",
    74: "an NVLink error",
    79: "it has fallen off the bus",
    92: "many ECC errors that were corrected",
    94: "an ECC error in one program's memory",
    95: "an ECC error beyond one program's memory",
    119: "its firmware does not answer",
    120: "a fault of its firmware",
    140: "an ECC error that it has not recovered from",
    143: "it can't be initialised",
}
_HARMLESS = {63, 92, 94}


@dataclass(frozen=True, slots=True)
class Aside:
    """A GPU is not used for `pause` seconds from `since` on (seconds since the epoch)."""

    why: str
    since: float
    pause: float

    def __str__(self) -> str:
        return f"until {clock(self.since + self.pause)}: {self.why}"


class Health:
    """What was seen of each GPU, by its uuid. `labels` are what people call them."""

    def __init__(self, labels: dict[str, str], *, now: Callable[[], float] = time.time) -> None:
        self._labels = labels
        self._now = now
        self._failures: dict[str, list[str]] = {}  # kinds, since a trial last did well there
        self._kinds: dict[str, list[Collection[str]]] = {}  # which GPUs had each of a kind
        self._worked: set[str] = set()
        self._blamed: dict[str, list[str]] = {}  # kinds of failure that it was set aside for
        self._aside: dict[str, Aside] = {}
        self._times: Counter[str] = Counter()
        self._errors: dict[str, int] = {}
        self._told: list[str] = []

    def failures(self, uuid: str) -> int:
        """How many in a row."""
        return len(self._failures.get(uuid, ()))

    def aside(self, uuid: str) -> Aside | None:
        """Whether, and why, the GPU is not to be used now."""
        aside = self._aside.get(uuid)
        return aside if aside is not None and self._now() < aside.since + aside.pause else None

    def fault(self, uuid: str) -> str | None:
        """For which error that NVML named it is set aside now, if for one."""
        aside = self.aside(uuid)
        return aside.why if aside is not None and uuid not in self._blamed else None

    def news(self) -> list[str]:
        """What people should know, once."""
        told, self._told = self._told, []
        return told

    def worked(self, uuids: Iterable[str]) -> None:
        """A trial did well on these."""
        for uuid in uuids:
            self._worked.add(uuid)
            self._failures.pop(uuid, None)
            self._times[uuid] = 0
        self._judge()

    def failed(self, uuids: Collection[str], kind: str) -> None:
        """A trial failed on these, at its start; `kind` is the same for the same failure. The more
        of a kind there are elsewhere, the less is a GPU to blame for it: the script may be."""
        self._kinds.setdefault(kind, []).append(uuids)
        for uuid in uuids:
            self._failures.setdefault(uuid, []).append(kind)
        self._acquit()
        self._judge()

    def look(self, view: View) -> None:
        for card, number in view.xids:
            for uuid, label in self._labels.items():
                if label.partition(":")[0] == card:
                    self._tell_xid(uuid, number)
        for device in view.devices:
            before = self._errors.get(device.uuid)
            if device.errors is None or device.uuid not in self._labels:
                continue
            self._errors[device.uuid] = device.errors
            if before is not None and device.errors > before:
                self._set_aside(device.uuid, f"{device.errors - before} uncorrected ECC errors")

    def _tell_xid(self, uuid: str, number: int) -> None:
        what = XIDS.get(number)
        text = f"Xid {number}" + (f", {what}" if what else "")
        if what and number not in _HARMLESS:
            self._set_aside(uuid, text)
        else:
            self._told.append(f"GPU {self._labels[uuid]}: the driver tells of {text}")

    def _to_blame(self, uuid: str, kinds: Sequence[str]) -> bool:
        """Whether that many failures in a row are the GPU's own."""
        had = [uuids for kind in set(kinds) for uuids in self._kinds[kind]]
        return len(kinds) >= _FAILURES + sum(uuid not in uuids for uuids in had)

    def _judge(self) -> None:
        for uuid, kinds in list(self._failures.items()):
            elsewhere = self._worked - {uuid}
            if elsewhere and self.aside(uuid) is None and self._to_blame(uuid, kinds):
                self._worked.discard(uuid)
                others = ", ".join(sorted(self._labels[name] for name in elsewhere))
                why = (
                    f"{len(kinds)} trials in a row failed on it at their start, while others "
                    f"did well on GPU {others}"
                )
                self._set_aside(uuid, why)
                self._blamed[uuid] = kinds
                self._failures[uuid] = kinds[-1:]  # it is tried again with one trial

    def _acquit(self) -> None:
        """Take back what was set aside for failures that have come elsewhere, too."""
        for uuid, kinds in list(self._blamed.items()):
            if self.aside(uuid) is not None and not self._to_blame(uuid, kinds):
                del self._blamed[uuid], self._aside[uuid]
                self._times[uuid] = max(0, self._times[uuid] - 1)
                label = self._labels[uuid]
                self._told.append(f"GPU {label} is used again: trials fail like that elsewhere")

    def _set_aside(self, uuid: str, why: str) -> None:
        pause = min(_PAUSE * 2 ** self._times[uuid], _LONGEST)
        self._times[uuid] += 1
        self._blamed.pop(uuid, None)
        self._aside[uuid] = aside = Aside(why, self._now(), pause)
        self._told.append(f"GPU {self._labels[uuid]} is set aside {aside}")
