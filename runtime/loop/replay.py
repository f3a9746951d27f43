"""Teaches new algorithms what the experiment already knows, on resume or in a new search space.

The store numbers each call of the tuner. A new tuner that replays the calls in that order ends
in the state of the one it replaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from annotate.errors import SpaceError
from annotate.space import SearchSpace, Values
from runtime.core.trial import Origin, Trial, TrialState, number
from runtime.store import Store
from runtime.store.history import KnownResult
from tuners.base import Assessor, Tuner
from tuners.budgets.budget import is_budget

Call: TypeAlias = tuple[Literal["ask", "tell"], Trial] | tuple[Literal["learn"], KnownResult]


@dataclass(frozen=True, slots=True)
class Record:
    """What an experiment knew at one moment, to teach to a new tuner and its assessor."""

    calls: Sequence[Call]  # of the tuner, oldest first
    last_step: int  # 0 if the tuner was never called
    ended: Mapping[int, Trial]  # the trials that had ended
    store: Path

    @classmethod
    def read(cls, store: Store, path: Path, trials: Mapping[int, Trial]) -> Record:
        """Read the record from `store`, whose file is `path`."""
        imported = {result.number: result for result in store.history()}
        steps = store.steps()
        calls = [_call(call, number, trials, imported) for _, call, number in steps]
        ended = {number: trial for number, trial in trials.items() if trial.state.ended}
        return cls(calls, steps[-1][0] if steps else 0, ended, path)

    def teach(self, tuner: Tuner, space: SearchSpace, assessor: Assessor | None) -> int:
        """Repeat the calls; returns the number of trial results that the tuner has learned.

        Skips results outside `space`, which may have changed since. May run in any thread.
        """
        count = 0
        for call in self.calls:
            if call[0] == "learn":
                learn(tuner, space, call[1])
            elif call[0] == "tell":
                count += tell(tuner, space, call[1])
            else:
                with suppress(SpaceError):
                    tuner.recall(call[1].values)
        if assessor is not None and self.ended:
            with Store.open(self.store) as store:
                show_curves(store, self.ended.values(), assessor)
        return count


def _call(
    call: str, number: int, trials: Mapping[int, Trial], imported: Mapping[int, KnownResult]
) -> Call:
    if call == "learn":
        return "learn", imported[number]
    return "ask" if call == "ask" else "tell", trials[number]


def tell(tuner: Tuner, space: SearchSpace, trial: Trial) -> bool:
    """Tell the tuner a trial's result; returns whether it lies in the tuner's space."""
    values = _values_to_tell(trial, space)
    if values is None:
        return False
    try:
        tuner.tell(values, trial.lesson)
    except SpaceError:
        return False
    return True


def learn(tuner: Tuner, space: SearchSpace, result: KnownResult) -> None:
    """Tell the tuner an imported result, if it lies in the tuner's space."""
    with suppress(SpaceError):
        tuner.tell(space.locate(result.values), result.metric)


def is_lesson(trial: Trial) -> bool:
    """Whether the tuner can learn something from a trial that has ended."""
    if trial.state in (TrialState.INTERRUPTED, TrialState.SYS_CANCELED):
        return False
    if trial.state is TrialState.USER_CANCELED and trial.last is None:
        return False
    return trial.origin is Origin.TUNER or trial.state is not TrialState.FAILED


def lies_in(space: SearchSpace, trial: Trial, *, former: SearchSpace | None = None) -> bool:
    """Whether the trial's values lie in `space`.

    A tuner's values may lack parameters and have extra keys, such as a budget; both are ignored.
    With `former`, the space before a change, a trial that lacks an added parameter or has a
    removed one does not lie in `space`.
    """
    values = trial.values
    if trial.origin is Origin.TUNER:
        keys = {p.key for p in space}
        earlier = keys if former is None else {p.key for p in former}
        if (earlier - keys) & values.keys() or (keys - earlier) - values.keys():
            return False
        space = SearchSpace(tuple(p for p in space if p.key in values))
        values = {p.key: values[p.key] for p in space}
    try:
        space.locate(values)
    except SpaceError:
        return False
    return True


def _values_to_tell(trial: Trial, space: SearchSpace) -> Values | None:
    if not is_lesson(trial) or not lies_in(space, trial):
        return None
    if space.foreign and not trial.values:
        return None  # the baseline, of whose values nothing is known
    return trial.values if trial.origin is Origin.TUNER else space.locate(trial.values)


def show_curves(store: Store, trials: Iterable[Trial], assessor: Assessor) -> None:
    """Show a new assessor the curves of the trials that have ended, in the order of their ends."""
    ended = [t for t in trials if t.state.ended and t.ended is not None]
    observed = store.observations()
    for trial in sorted(ended, key=lambda t: t.ended or 0.0):
        assessor.started(trial.number, trial.values)
        if any(map(is_budget, observed.get(trial.number, {}))):
            assessor.read_budget(trial.number)
        curve = [number(value) for value in store.reports(trial.number)]
        assessor.finished(trial.number, curve, trial.state is TrialState.SUCCEEDED)
