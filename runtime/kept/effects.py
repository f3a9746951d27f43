"""Finds parameters whose values have no effect; each sentence states only what was observed.

A parameter is reported if, at the end,
- no trial of at least three has used it, or
- the script replaced it: in at least three trials the name ended with one and the same value, which
  differs from at least two values that it was given, and it never kept another value; or
- results do not depend on it: at least three times, trials that differ in nothing else had exactly
  the same result, and never a different one.
If at least five trials with different values all have the same result, one sentence says so
instead.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from annotate.json_value import JSON
from annotate.space import SearchSpace
from runtime.core.trial import Observed, Origin, Trial, TrialState

_FEW = 3
_SEVERAL = 5


@dataclass(slots=True)
class _Evidence:
    """What the trials did with one parameter."""

    used: bool = False
    kept: set[str] = field(default_factory=set)  # values that the name still had at the end
    replaced: set[int] = field(default_factory=set)  # the trials that ended with another value
    ended: dict[str, JSON] = field(default_factory=dict)  # these values, by their text
    given: set[str] = field(default_factory=set)  # the values that they replaced
    settled: bool = False  # it has an effect, or that is unknown

    def add(self, trial: int, assigned: JSON, values: list[JSON]) -> None:
        if any(_text(value) == _text(assigned) for value in values):
            self.kept.add(_text(assigned))
        elif len(set(map(_text, values))) == 1:
            self.replaced.add(trial)
            self.ended[_text(values[0])] = values[0]
            self.given.add(_text(assigned))
        else:
            self.settled = True
        # A name may keep the one value that replaces all others.
        self.settled |= len(self.kept) > 1 or len(self.ended) > 1

    @property
    def replaced_by(self) -> JSON | None:
        if self.settled or len(self.replaced) < _FEW or len(self.given) < 2:
            return None
        value = next(iter(self.ended.values()))
        return value if self.kept <= {_text(value)} else None


class Effects:
    """Collects what trials did with their values: the stored trials first, then each new report.

    `observations` are those of the store, by trial.
    """

    def __init__(
        self, space: SearchSpace, trials: Iterable[Trial], observations: Mapping[int, Observed]
    ) -> None:
        self._evidence = {parameter.key: _Evidence() for parameter in space}
        self._succeeded = 0
        for trial in trials:
            if trial.origin is Origin.BASELINE:
                for key in self._evidence.keys() & trial.values.keys():
                    self._evidence[key].used = True
            self.observed(trial, observations.get(trial.number, {}))
            if trial.state.ended:
                self.ended(trial)

    @property
    def watched(self) -> list[str]:
        """The parameters about which the next trial should report."""
        return [key for key, evidence in self._evidence.items() if not evidence.settled]

    def observed(self, trial: Trial, observed: Observed) -> None:
        for key in self._evidence.keys() & observed.keys():
            values = observed[key]
            self._evidence[key].used = True
            if values is not None and key in trial.values:
                self._evidence[key].add(trial.number, trial.values[key], values)

    def ended(self, trial: Trial) -> None:
        self._succeeded += trial.state is TrialState.SUCCEEDED
        for evidence in self._evidence.values():
            silent = evidence.used and not evidence.kept and not evidence.ended
            evidence.settled |= silent and self._succeeded >= _SEVERAL

    def remarks(self, space: SearchSpace, trials: Iterable[Trial], *, by_script: bool) -> list[str]:
        """A sentence for each parameter without effect, or one for all.

        Unless trials run a script (`by_script`), another program may read the values by itself.
        """
        rows = list(_rows(trials))
        if (same := _same_results(rows)) is not None:
            return [f"no parameter had an effect: all {len(rows)} results are {same:g}"]
        names = space.names
        reasons = dict(self._reasons(names, by_script=by_script))
        for key in names:
            if key not in reasons and (count := _equal_pairs(key, rows, reasons)) >= _FEW:
                reasons[key] = (
                    "results do not depend on it: they were the same whenever"
                    f" only it differed ({count} times)"
                )
        return [f"{names[key]} had no effect: {reason}" for key, reason in reasons.items()]

    def _reasons(self, names: Mapping[str, str], *, by_script: bool) -> Iterator[tuple[str, str]]:
        known = {key: evidence for key, evidence in self._evidence.items() if key in names}
        runs_ours = by_script or any(evidence.used for evidence in known.values())
        for key, evidence in known.items():
            if not evidence.used and runs_ours and self._succeeded >= _FEW:
                yield key, f"none of {self._succeeded} trials reached the code that uses it"
            elif (value := evidence.replaced_by) is not None:
                yield (
                    key,
                    "results do not depend on it: the script replaces it,"
                    f" and every trial ended with {value!r}",
                )


_Row = tuple[Mapping[str, JSON], float]


def _rows(trials: Iterable[Trial]) -> Iterator[_Row]:
    for trial in trials:
        if trial.ranks and trial.metric is not None and math.isfinite(trial.metric):
            yield {key: _text(value) for key, value in trial.values.items()}, trial.metric


def _same_results(rows: list[_Row]) -> float | None:
    """The one result of all trials, if there are several with different values."""
    different = {tuple(sorted(values.items())) for values, _ in rows}
    results = {metric for _, metric in rows}
    return results.pop() if len(different) >= _SEVERAL and len(results) == 1 else None


def _equal_pairs(key: str, rows: list[_Row], without: Iterable[str]) -> int:
    """How many trials repeat a result with another value of `key`; 0 if one has another result."""
    groups: dict[tuple[tuple[str, JSON], ...], dict[JSON, set[float]]] = defaultdict(dict)
    ignored = {key, *without}
    for values, metric in rows:
        if key in values:
            rest = tuple(sorted((k, v) for k, v in values.items() if k not in ignored))
            groups[rest].setdefault(values[key], set()).add(metric)
    compared = [group for group in groups.values() if len(group) > 1]
    if any(len(set().union(*group.values())) > 1 for group in compared):
        return 0
    return sum(len(group) - 1 for group in compared)


def _text(value: JSON) -> str:
    """A text that is equal for equal values (1 and 1.0 too), which may be lists and dicts."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)
