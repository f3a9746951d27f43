"""A trial: one run of the script with one sample of the space."""

from __future__ import annotations

import math
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum

from annotate.json_value import JSON
from annotate.space import Values

_ID = string.ascii_letters + string.digits


class TrialState(str, Enum):
    """NNI's states, and INTERRUPTED for a trial that was cut off and will run again."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    EARLY_STOPPED = "EARLY_STOPPED"
    USER_CANCELED = "USER_CANCELED"
    SYS_CANCELED = "SYS_CANCELED"
    INTERRUPTED = "INTERRUPTED"

    @property
    def ended(self) -> bool:
        return self not in (TrialState.WAITING, TrialState.RUNNING, TrialState.INTERRUPTED)


class Origin(str, Enum):
    """Who chose a trial's values."""

    BASELINE = "baseline"
    TUNER = "tuner"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Report:
    """One result as the script gave it: `kind` is "intermediate" or "final"; `time` in seconds."""

    kind: str
    value: JSON
    time: float

    @property
    def number(self) -> float:
        return number(self.value)


@dataclass(frozen=True, slots=True)
class GpuUse:
    """What a trial has, or had, of GPUs: by people's numbers, with a lease of `seconds` times the
    number of GPUs so far, all runs of the trial together.

    `memory` is what it has now and `peak` what it had at most, in bytes of all its GPUs;
    `utilisation` is the mean in percent, a GPU's being shared out evenly among the trials on it.
    They are None where NVML does not tell. Where the trial waits, `waits` says for what. `waited`
    is how many seconds it waited for GPUs before it ran, `waited_for` what was in the way then.
    """

    gpus: tuple[str, ...] = ()
    seconds: float = 0.0
    memory: int | None = None
    peak: int | None = None
    utilisation: float | None = None
    waits: tuple[Mapping[str, JSON], ...] = ()
    waited: float = 0.0
    waited_for: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        return asdict(self)

    @classmethod
    def from_json(cls, use: Mapping[str, JSON]) -> GpuUse:
        lists = {name: tuple(use.get(name, ())) for name in ("gpus", "waits", "waited_for")}
        return cls(**{**use, **lists})


@dataclass(frozen=True, slots=True)
class Trial:
    """What is known of a trial. Times are seconds since the epoch; None where not yet known.

    `values` of a baseline are what the author's own expressions gave, as far as it reached them.
    `metric` is the final result as a number, and may be nan or infinite. `retries` is how many
    runs of it failed before this one.
    """

    number: int
    id: str
    origin: Origin
    state: TrialState
    values: Values
    metric: float | None = None
    reports: int = 0
    last: float | None = None
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    reason: str | None = None
    gpu: GpuUse | None = None
    retries: int = 0

    def seconds(self, now: float) -> float | None:
        """How long it ran, or runs by now."""
        if self.started is None:
            return None
        return max(0.0, (self.ended if self.ended is not None else now) - self.started)

    def with_reports(self, reports: Iterable[Report]) -> Trial:
        """The trial after so many more reports; the last final one counts."""
        metric, count, last = self.metric, self.reports, self.last
        for report in reports:
            if report.kind == "final":
                metric = report.number
            else:
                count, last = count + 1, report.number
        return replace(self, metric=metric, reports=count, last=last)

    @property
    def ranks(self) -> bool:
        """Whether it has a result that can be compared with others'."""
        return (
            self.state is TrialState.SUCCEEDED
            and self.metric is not None
            and math.isfinite(self.metric)
        )

    @property
    def lesson(self) -> float | None:
        """What a tuner learns: the result; of a trial that was stopped before how far it came."""
        if self.state in (TrialState.EARLY_STOPPED, TrialState.USER_CANCELED):
            return self.last
        return self.metric if self.ranks else None


def random_id() -> str:
    """Five letters and digits, as NNI has them."""
    return "".join(secrets.choice(_ID) for _ in range(5))


def number(value: JSON) -> float:
    """The number of a report: itself, or what stands under "default"."""
    if isinstance(value, dict):
        value = value.get("default")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def best(trials: list[Trial], *, maximize: bool) -> Trial | None:
    """The trial with the best result, the earliest of equals; None where none has a result."""
    ranked = [t for t in trials if t.ranks]
    sign = -1 if maximize else 1
    return min(ranked, key=lambda t: (sign * (t.metric or 0.0), t.number), default=None)
