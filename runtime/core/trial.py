"""A trial: one run of the script with one sample of the search space."""

from __future__ import annotations

import math
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import TypeAlias

from annotate.json_value import JSON
from annotate.space import Values

#: What a trial did with the parameters that it used: the values that each one's names had when it
#: reported its result; None until it does, empty if the names cannot be followed.
Observed: TypeAlias = Mapping[str, "list[JSON] | None"]

_ID = string.ascii_letters + string.digits


class TrialState(str, Enum):
    """NNI's states, plus INTERRUPTED for a trial that was cut off and will run again."""

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
        """Whether the trial will not run (again)."""
        return self not in (TrialState.WAITING, TrialState.RUNNING, TrialState.INTERRUPTED)


class Origin(str, Enum):
    """Who chose a trial's values."""

    BASELINE = "baseline"
    TUNER = "tuner"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Report:
    """One result that the script reported.

    `kind` is "intermediate" or "final"; `time` is in seconds since the epoch.
    """

    kind: str
    value: JSON
    time: float

    @property
    def number(self) -> float:
        return number(self.value)


@dataclass(frozen=True, slots=True)
class GpuUse:
    """A trial's use of GPUs, over all its runs. None means that NVML reports no figure.

    gpus: labels of the leased GPUs, as nvidia-smi numbers them.
    seconds: GPU seconds leased so far (duration times number of GPUs).
    memory, peak: current and highest memory on all its GPUs together, in bytes.
    utilisation: mean in percent; trials that share a GPU count for equal parts of it.
    waits: what the trial is waiting for now, as JSON of `runtime.gpus.waiting.Block`.
    waited, waited_for: seconds it waited for GPUs before it ran, and the reasons.
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
    """One trial. Times are seconds since the epoch; None means not known yet.

    A baseline's `values` are those that the script's own expressions had, for the places that it
    has reached. `metric` is the final result as a number; it may be nan or infinite. `reports` is
    the number of intermediate results, `last` the latest. `retries` counts the failed runs before
    the current one. `place` says where it runs or ran, if not on the driver's machine: `machine` is
    what users call it, the rest is for its executor. `finals` is the number of final results.
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
    place: Mapping[str, JSON] | None = None
    finals: int = 0

    def seconds(self, now: float) -> float | None:
        """How long the trial ran, or has been running at `now`; None if it has not started."""
        if self.started is None:
            return None
        return max(0.0, (self.ended if self.ended is not None else now) - self.started)

    def with_reports(self, reports: Iterable[Report]) -> Trial:
        """The trial after these further reports; the last final one is its result."""
        metric, count, last, finals = self.metric, self.reports, self.last, self.finals
        for report in reports:
            if report.kind == "final":
                metric, finals = report.number, finals + 1
            else:
                count, last = count + 1, report.number
        return replace(self, metric=metric, reports=count, last=last, finals=finals)

    @property
    def stopped_early(self) -> bool:
        return self.state is TrialState.EARLY_STOPPED

    @property
    def ranks(self) -> bool:
        """Whether the trial has a finite result, which can be compared with others'."""
        return (
            self.state is TrialState.SUCCEEDED
            and self.metric is not None
            and math.isfinite(self.metric)
        )

    @property
    def lesson(self) -> float | None:
        """The number to tell a tuner: the result, or the last report of a stopped trial."""
        if self.state in (TrialState.EARLY_STOPPED, TrialState.USER_CANCELED):
            return None if self.last is None or math.isnan(self.last) else self.last
        return self.metric if self.ranks else None


def random_id() -> str:
    """Five random letters and digits, like NNI's ids."""
    return "".join(secrets.choice(_ID) for _ in range(5))


def number(value: JSON) -> float:
    """The number in a reported value: the value itself, or a dict's item "default"."""
    if isinstance(value, dict):
        value = value.get("default")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def best(trials: list[Trial], *, maximize: bool) -> Trial | None:
    """The trial with the best result, the earliest if tied; None if no trial has a result.

    If none ran to its end, the best of those that were stopped early; its `metric` is its last
    result.
    """
    ranked = [t for t in trials if t.ranks] or [
        replace(t, metric=t.last)
        for t in trials
        if t.stopped_early and t.last is not None and math.isfinite(t.last)
    ]
    sign = -1 if maximize else 1
    return min(ranked, key=lambda t: (sign * (t.metric or 0.0), t.number), default=None)
