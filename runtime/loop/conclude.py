"""Concludes a trial, and an experiment: the final state, and its reason."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from runtime.core.failures import Failure, failure_of
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import Trial, TrialState
from runtime.executors.base import Ended
from runtime.loop import isolation
from runtime.loop.limits import Running


def conclude_trial(
    trial: Trial, ended: Ended, running: Running, experiment: ExperimentFolder
) -> tuple[Trial, Failure | None]:
    """The trial in its final state, and the failure if it failed."""
    folder = experiment.trial(trial.number)
    isolation.tidy(folder)
    trial = replace(trial, ended=ended.time)
    if running.ends_as is not None:
        state, reason = running.ends_as
        failure = Failure(reason, "") if state is TrialState.FAILED else None
        return replace(trial, state=state, reason=reason), failure
    if ended.cancelled and not ended.lost:
        return replace(trial, state=TrialState.USER_CANCELED, reason=ended.cause), None
    failure = failure_of(trial, ended.code, folder, ended.cause, python=running.python)
    if failure is not None:
        return replace(trial, state=TrialState.FAILED, reason=failure.reason), failure
    trial = replace(trial, state=TrialState.SUCCEEDED, reason=None)
    if not trial.ranks:
        trial = replace(trial, reason=f"its final result is {trial.metric}")
    return trial, None


def conclude_experiment(
    ending: tuple[str, str | None] | None,
    exhausted: str | None,
    trials: Collection[Trial],
    best: Trial | None,
) -> tuple[str, str | None]:
    """The final state and its reason.

    `ending` is the state and reason that it was stopped with, `exhausted` why the tuner has no
    more values. `best` is the best of the `trials`.
    """
    state, reason = ending or ("DONE", None)
    if exhausted is not None and ending is None:
        reason = exhausted or "the tuner has no more values"
    if state == "DONE" and best is None:
        failed = all(trial.state is TrialState.FAILED for trial in trials)
        return "ERROR", reason or ("every trial failed" if failed else "no trial gave a result")
    return state, reason
