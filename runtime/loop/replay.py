"""What the algorithms learn from trials, and how they learn it again when an experiment goes on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from annotate.errors import SpaceError
from annotate.space import SearchSpace, Values
from runtime.core.trial import Origin, Trial, TrialState, number
from runtime.store import Store
from tuners.base import Assessor, Tuner


def values_told(trial: Trial, space: SearchSpace) -> Values | None:
    """The values that the tuner is told of: none of a trial that says nothing about its values."""
    if trial.state in (TrialState.INTERRUPTED, TrialState.SYS_CANCELED):
        return None
    if trial.state is TrialState.USER_CANCELED and trial.last is None:
        return None
    if trial.origin is not Origin.TUNER and trial.state is TrialState.FAILED:
        return None
    if not lies_in(space, trial):
        return None  # of an earlier space, or as written in the script
    return trial.values if trial.origin is Origin.TUNER else space.locate(trial.values)


def counting(trials: Mapping[int, Trial], space: SearchSpace) -> int:
    """How many of the trials that have ended the tuner of that space is told of."""
    ended = (trial for trial in trials.values() if trial.state.ended)
    return sum(values_told(trial, space) is not None for trial in ended)


def lies_in(space: SearchSpace, trial: Trial, *, former: SearchSpace | None = None) -> bool:
    """Whether the trial's values lie in `space`.

    A tuner may add keys of its own, such as a budget, which are ignored. Parameters of the
    `former` space are no such keys: a trial that has one which `space` lacks lies outside.
    """
    values = trial.values
    if trial.origin is Origin.TUNER:
        parameters = {p.key for p in (*space, *(former or ()))}
        values = {key: value for key, value in values.items() if key in parameters}
    try:
        space.locate(values)
    except SpaceError:
        return False
    return True


def steps(store: Store, trials: Mapping[int, Trial], space: SearchSpace, tuner: Tuner) -> int:
    """Bring a new tuner to where the last one was, by the steps that the store remembers.

    What no longer lies in the space, where that was changed, is left out. Returns the number of
    the last step, 0 where there was none.
    """
    last = 0
    history = {known.number: known for known in store.history()}
    for step, what, name in store.steps():
        last = step
        with suppress(SpaceError):
            if what == "learn":
                tuner.tell(history[name].values, history[name].metric)
                continue
            trial = trials[name]
            if what == "ask":
                tuner.recall(trial.values)
            elif (values := values_told(trial, space)) is not None:
                tuner.tell(values, trial.lesson)
    return last


def learn(store: Store, tuner: Tuner, last: int) -> int:
    """Tell the tuner the results from elsewhere that it has not heard of; returns the last step."""
    for known in store.history():
        if known.told is None:
            last += 1
            with suppress(SpaceError):
                tuner.tell(known.values, known.metric)
            store.tell_history(known.number, last)
    return last


def curves(store: Store, trials: Mapping[int, Trial], assessor: Assessor) -> None:
    """Show a new assessor the curves of the trials that have ended, in that order."""
    ended = [t for t in trials.values() if t.state.ended and t.ended is not None]
    for trial in sorted(ended, key=lambda t: t.ended or 0.0):
        assessor.started(trial.number, trial.values)
        curve = [number(value) for value in store.reports(trial.number)]
        assessor.finished(trial.number, curve, trial.state is TrialState.SUCCEEDED)
