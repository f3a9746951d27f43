"""The experiment: asks the tuner, starts trials, keeps what they report, tells the tuner."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Protocol, TypeAlias

from annotate.space import SearchSpace, Values
from runtime import replay
from runtime.asking import Answer, Asked, TunerBroke, TunerThread
from runtime.config import Config
from runtime.durations import duration
from runtime.executors.base import Ended, Event, Executor, Reported, Started
from runtime.failures import Failure, failure_of
from runtime.job import job
from runtime.paths import ExperimentFolder
from runtime.store import Store
from runtime.trial import Origin, Report, Trial, TrialState, best, random_id
from tuners.base import Assessor, Tuner, Verdict

_GRACE = 10.0  # seconds from asking a trial to end to ending it by force
_KEEP_WITHIN = 0.05  # seconds; a trial should not wait for the disk at each step


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Somebody wants the experiment to stop: running trials are ended, to be run again later."""

    at_once: bool = False


Message: TypeAlias = Event | Answer | Interrupt


class Watcher(Protocol):
    """Sees what happens, in the driver's own thread; must be quick."""

    def changed(self, trial: Trial) -> None:
        """A trial has a new state, or reported."""

    def failed(self, trial: Trial, failure: Failure) -> None:
        """A trial failed."""

    def note(self, text: str) -> None:
        """Something that a person should know."""


@dataclass(slots=True)
class _Running:
    """What the loop knows of a running trial beyond its row; times are monotonic seconds."""

    started: float
    heard: float
    curve: list[float]
    ends_as: tuple[TrialState, str] | None = None


class Experiment:
    """Runs one experiment to its end.

    It owns `store` (opened for writing) while it runs. `make_executor` is given the function that
    takes the executor's events.
    """

    def __init__(
        self,
        folder: ExperimentFolder,
        store: Store,
        make_executor: Callable[[Callable[[Event], None]], Executor],
        tuner: Tuner,
        watcher: Watcher,
        *,
        environment: Mapping[str, str],
        assessor: Assessor | None = None,
    ) -> None:
        row = store.experiment()
        self.config = Config.from_json(row.config)
        self.space: SearchSpace = row.space
        self.folder = folder
        self.state, self.reason = row.state, row.reason
        self.trials: dict[int, Trial] = {t.number: t for t in store.trials()}
        self._store = store
        self._make_executor = make_executor
        self._tuner = tuner
        self._assessor = assessor
        self._watcher = watcher
        self._environment = environment
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._running: dict[int, _Running] = {}
        self._ids = {trial.id for trial in self.trials.values()}
        self._number = max(self.trials, default=-1)
        ended = [t.state for t in self.trials.values() if t.state.ended]
        self._failing = all(state is TrialState.FAILED for state in ended)  # as long as all did
        self._failures = len(ended)
        self._asking = 0
        self._step = 0
        self._exhausted = False
        self._ending: tuple[str, str | None] | None = None  # the state it will end in, and why
        self._deadline: float | None = None
        self._keep_at: float | None = None  # monotonic seconds; None where all is kept

    def interrupt(self, *, at_once: bool = False) -> None:
        """Stop; may be called from a signal handler or another thread."""
        self._inbox.put(Interrupt(at_once))

    @property
    def best(self) -> Trial | None:
        return best(list(self.trials.values()), maximize=self.config.maximize)

    def run(self) -> None:
        """Run until the limits are reached or somebody stops it; `state` and `reason` say how."""
        if self.config.max_duration is not None:
            self._deadline = time.monotonic() + self.config.max_duration
        self._step = replay.steps(self._store, self.trials, self.space, self._tuner)
        if self._assessor is not None:
            replay.curves(self._store, self.trials, self._assessor)
        self._set_state("RUNNING", None)
        self._store.gather()
        self._executor = self._make_executor(self._inbox.put)
        self._thread = TunerThread(self._tuner, self._inbox.put)
        try:
            self._again()
            self._fill()
            while self._running or self._asking:
                self._handle(self._next())
                self._check_limits()
                self._fill()
        finally:
            self._store.commit()
            self._thread.close()
            self._executor.close()
        self._finish()

    # Filling the slots

    def _fill(self) -> None:
        while self._may_start():
            if not self.trials and self.config.baseline:
                self._start(self._new(Origin.BASELINE, {}))
            else:
                self._asking += 1
                self._thread.ask()

    def _may_start(self) -> bool:
        limit = self.config.max_trials
        return (
            self._ending is None
            and not self._exhausted
            and len(self._running) + self._asking < self.config.concurrency
            and (limit is None or len(self.trials) + self._asking < limit)
        )

    def _new(self, origin: Origin, values: Values) -> Trial:
        name = next(n for n in iter(random_id, "") if n not in self._ids)
        number = self._number = self._number + 1
        self._ids.add(name)
        trial = Trial(number, name, origin, TrialState.WAITING, values, created=time.time())
        self._store.add_trial(trial, asked=self._count() if origin is Origin.TUNER else None)
        return trial

    def _count(self) -> int:
        self._step += 1
        return self._step

    def _start(self, trial: Trial) -> None:
        now = time.monotonic()
        self._running[trial.number] = _Running(now, now, [])
        self._change(trial)
        made = job(self.config, self.folder, trial, self._environment)
        self._executor.start(made)

    # What happens

    def _next(self) -> Message | None:
        """What happens next, or None where a limit is reached before."""
        with suppress(Empty):
            return self._inbox.get(timeout=self._wait())
        return None

    def _wait(self) -> float | None:
        """Seconds to wait; what has changed is kept soon, many changes at a time."""
        now = time.monotonic()
        if self._store.pending and self._keep_at is None:
            self._keep_at = now + _KEEP_WITHIN
        if self._keep_at is not None and now >= self._keep_at:
            self._store.commit()
            self._keep_at = None
        waits = [self._patience(), None if self._keep_at is None else self._keep_at - now]
        return min((wait for wait in waits if wait is not None), default=None)

    def _patience(self) -> float | None:
        """Seconds until a limit is reached; None where none is set."""
        due = [] if self._deadline is None or self._ending else [self._deadline]
        for running in self._running.values():
            if running.ends_as is None:
                due += [at for at, _ in self._limits(running)]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _handle(self, message: Message | None) -> None:
        match message:
            case Started(trial, when, _):
                self._store.start_trial(trial, when)
                self._change(replace(self.trials[trial], state=TrialState.RUNNING, started=when))
            case Reported():
                self._on_report(message)
            case Ended():
                self._on_end(message)
            case Asked(values):
                self._asking -= 1
                self._on_values(values)
            case TunerBroke(error):
                raise error
            case Interrupt(at_once):
                if self._running and self._ending is None:
                    self._watcher.note("ending the running trials; once more ends them at once")
                self._stop("STOPPED", "interrupted", grace=0.0 if at_once else _GRACE)

    def _on_values(self, values: Values | None) -> None:
        if values is None:
            self._exhausted = True
        elif self._ending is None:
            self._start(self._new(Origin.TUNER, values))

    def _on_report(self, message: Reported) -> None:
        trial, running = self.trials[message.trial], self._running[message.trial]
        batch = message.batch
        for text in batch.notes:
            self._watcher.note(text)
        if batch.reports:
            running.heard = time.monotonic()
            self._store.add_reports(trial.number, batch.reports)
            trial = trial.with_reports(batch.reports)
        if batch.written and trial.origin is Origin.BASELINE:
            # The first value of a place counts: a loop may come by again with another.
            found = batch.written | trial.values
            order = [p.key for p in self.space if p.key in found]
            trial = replace(trial, values={key: found[key] for key in order})
            self._store.set_values(trial.number, trial.values)
        self._change(trial)
        self._assess(trial, running, batch.reports)

    def _assess(self, trial: Trial, running: _Running, reports: list[Report]) -> None:
        if self._assessor is None:
            return
        for report in reports:
            if report.kind != "intermediate":
                continue
            running.curve.append(report.number)
            if running.ends_as or self._assessor.judge(trial.number, running.curve) is Verdict.KEEP:
                continue
            why = f"stopped by the assessor after {len(running.curve)} results"
            self._end(trial.number, TrialState.EARLY_STOPPED, why)

    def _on_end(self, message: Ended) -> None:
        running = self._running.pop(message.trial)
        trial = replace(self.trials[message.trial], ended=message.time)
        failure = None
        if running.ends_as is not None:
            state, reason = running.ends_as
            trial = replace(trial, state=state, reason=reason)
            if state is TrialState.FAILED:
                failure = Failure(reason, "")
        else:
            failure = failure_of(trial, message.code, self.folder.trial(trial.number))
            state = TrialState.SUCCEEDED if failure is None else TrialState.FAILED
            trial = replace(trial, state=state, reason=failure.reason if failure else None)
        if self._assessor is not None and trial.state.ended:
            ok = trial.state is TrialState.SUCCEEDED
            self._assessor.finished(trial.number, running.curve, ok)
        trial = self._tell(trial)
        self._change(trial)
        if failure is not None:
            self._watcher.failed(trial, failure)
            self._count_failures()
        elif trial.state.ended:
            self._failing = False

    def _tell(self, trial: Trial) -> Trial:
        """Keep how the trial ended, and let the tuner learn from it where it can."""
        if trial.state is TrialState.SUCCEEDED and not trial.ranks:
            trial = replace(trial, reason=f"its final result is {trial.metric}")
        values = replay.values_told(trial, self.space)
        self._store.end_trial(trial, told=None if values is None else self._count())
        if values is not None:
            self._thread.tell(values, trial.lesson)
        return trial

    def _count_failures(self) -> None:
        self._failures += 1
        if self._ending is None and self._failing and self._failures >= self.config.max_failures:
            count = self._failures
            why = "the first trial failed" if count == 1 else f"the first {count} trials failed"
            self._stop("ERROR", why)

    # Limits

    def _limits(self, running: _Running) -> list[tuple[float, str]]:
        limits = []
        if self.config.trial_timeout is not None:
            text = f"ran longer than --trial-timeout {duration(self.config.trial_timeout)}"
            limits.append((running.started + self.config.trial_timeout, text))
        if self.config.stall_timeout is not None:
            text = f"reported nothing for --stall-timeout {duration(self.config.stall_timeout)}"
            limits.append((running.heard + self.config.stall_timeout, text))
        return limits

    def _check_limits(self) -> None:
        now = time.monotonic()
        if self._deadline is not None and now >= self._deadline and self._ending is None:
            limit = duration(self.config.max_duration or 0.0)
            self._stop("DONE", f"--max-duration {limit} is over", cut=TrialState.SYS_CANCELED)
        for number, running in self._running.items():
            for at, text in self._limits(running):
                if running.ends_as is None and now >= at:
                    self._end(number, TrialState.FAILED, text)

    def _end(self, number: int, state: TrialState, reason: str, grace: float = _GRACE) -> None:
        """End a running trial, which will then be in `state`."""
        self._running[number].ends_as = (state, reason)
        self._executor.stop(number, grace=grace)

    def _stop(
        self,
        state: str,
        reason: str,
        *,
        cut: TrialState = TrialState.INTERRUPTED,
        grace: float = _GRACE,
    ) -> None:
        """Start no more trials and end those that run; a second time, with less grace."""
        self._ending = self._ending or (state, reason)
        for number, running in self._running.items():
            if running.ends_as is None:
                self._end(number, cut, self._ending[1] or "", grace)
            elif grace == 0.0:
                self._executor.stop(number, grace=grace)

    # Beginning and end

    def _again(self) -> None:
        """Run again what was cut off when the driver last ended."""
        for trial in list(self.trials.values()):
            if not trial.state.ended:
                self._store.restart_trial(trial.number)
                fresh = Trial(
                    trial.number,
                    trial.id,
                    trial.origin,
                    TrialState.WAITING,
                    trial.values,
                    created=trial.created,
                )
                self._start(fresh)

    def _finish(self) -> None:
        state, reason = self._ending or ("DONE", None)
        if self._exhausted and self._ending is None:
            reason = "every point of the search space has been tried"
        if state == "DONE" and self.best is None:
            state, reason = "ERROR", reason or "every trial failed"
        self._set_state(state, reason)

    def _set_state(self, state: str, reason: str | None) -> None:
        self.state, self.reason = state, reason
        self._store.set_state(state, reason, None if state == "RUNNING" else time.time())
        self._store.commit()

    def _change(self, trial: Trial) -> None:
        self.trials[trial.number] = trial
        self._watcher.changed(trial)
