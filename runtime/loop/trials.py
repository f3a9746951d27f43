"""An experiment's trials, in memory and in its store; both always change together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from annotate.json_value import JSON
from annotate.space import SearchSpace, Values
from runtime.core.metrics import Batch
from runtime.core.trial import GpuUse, Origin, Trial, TrialState, best, random_id
from runtime.kept.effects import Effects
from runtime.store import Store


class Trials(Mapping[int, Trial]):
    """The trials by number. Calls `changed` with each trial that changes."""

    def __init__(self, store: Store, space: SearchSpace, changed: Callable[[Trial], None]) -> None:
        self.step = 0  # number of calls of the tuner so far
        self._store = store
        self._space = space
        self._changed = changed
        self._trials = {trial.number: trial for trial in store.trials()}
        self.effects = Effects(space, self._trials.values(), store.observations())
        self._ids = {trial.id for trial in self._trials.values()}
        self._number = max(self._trials, default=-1)

    def __getitem__(self, number: int) -> Trial:
        return self._trials[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._trials)

    def __len__(self) -> int:
        return len(self._trials)

    def best(self, *, maximize: bool) -> Trial | None:
        return best(list(self._trials.values()), maximize=maximize)

    def new(self, origin: Origin, values: Values, *, asked: int | None = None) -> Trial:
        """Add a trial, which waits to be started; `asked` is the step of the tuner's answer."""
        name = next(n for n in iter(random_id, "") if n not in self._ids)
        self._number += 1
        self._ids.add(name)
        trial = Trial(self._number, name, origin, TrialState.WAITING, values, created=time.time())
        self._store.add_trial(trial, asked=asked)
        return self._keep(trial)

    def rerun(self, number: int, *, failed: bool = False) -> Trial:
        """Let an interrupted or failed trial wait again; what it reported is forgotten."""
        trial = self._trials[number]
        retries = trial.retries + failed
        self._store.restart_trial(number, retries)
        return self._keep(
            Trial(
                trial.number,
                trial.id,
                trial.origin,
                TrialState.WAITING,
                trial.values,
                created=trial.created,
                gpu=trial.gpu,
                retries=retries,
                place=trial.place,
            )
        )

    def set_wait(self, number: int, reason: str | None, use: GpuUse | None) -> None:
        """Store why a trial waits, and for which GPUs; None once it no longer waits."""
        self._store.set_gpu(number, use)
        self._store.set_reason(number, reason)
        self._keep(replace(self._trials[number], reason=reason, gpu=use))

    def set_gpu_use(self, number: int, use: GpuUse, *, keep: bool) -> None:
        """Update a trial's use of GPUs; `keep` also writes it to the store."""
        if keep:
            self._store.set_gpu(number, use)
        self._keep(replace(self._trials[number], gpu=use))

    def started(self, number: int, when: float, place: Mapping[str, JSON] | None) -> None:
        trial = self._trials[number]
        if trial.reason is not None:
            self._store.set_reason(number, None)
        self._store.start_trial(number, when, place)
        running = replace(trial, state=TrialState.RUNNING, reason=None, started=when, place=place)
        self._keep(running)

    def reported(self, number: int, batch: Batch, *, keep: bool) -> None:
        """Store a trial's reports if they are to `keep`, and the values that it had as written."""
        trial = self._trials[number]
        if batch.reports and keep:
            self._store.add_reports(number, batch.reports)
            trial = trial.with_reports(batch.reports)
        if batch.as_written and trial.origin is not Origin.TUNER:
            # The first value of a place counts; a loop may reach it again with another value.
            values = batch.as_written | trial.values
            order = [p.key for p in self._space if p.key in values]
            trial = replace(trial, values={key: values[key] for key in order})
            self._store.set_values(number, trial.values)
        if observed := batch.observed:
            self._store.add_observations(number, observed)
            self.effects.observed(trial, observed)
        self._keep(trial)

    def cut(self, number: int, curve: Sequence[float]) -> None:
        """Drop a trial's result, and its reports beyond the first ones, `curve`."""
        trial = replace(self._trials[number], metric=None, finals=0)
        trial = replace(trial, reports=len(curve), last=curve[-1])
        self._store.cut_reports(trial)
        self._keep(trial)

    def ended(self, trial: Trial, *, told: bool) -> None:
        """Store how `trial` ended, and whether the tuner is told of it."""
        self._store.end_trial(trial, told=self.next_step() if told else None)
        self.effects.ended(trial)
        self._keep(replace(trial, gpu=self._trials[trial.number].gpu))

    def cancel(self, number: int, state: TrialState, reason: str) -> None:
        """End a waiting trial, which will not run."""
        trial = replace(self._trials[number], state=state, reason=reason, ended=time.time())
        self.ended(trial, told=False)

    def next_step(self) -> int:
        """The number of the next step."""
        self.step += 1
        return self.step

    def _keep(self, trial: Trial) -> Trial:
        self._trials[trial.number] = trial
        self._changed(trial)
        return trial
