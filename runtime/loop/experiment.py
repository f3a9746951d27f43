"""The experiment: asks the tuner, starts trials, stores what they report, tells the tuner."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from annotate.space import SearchSpace, Values
from runtime.core.config import Config
from runtime.core.failures import Failure
from runtime.core.paths import ExperimentFolder
from runtime.core.requests import Answer, Request, Requests
from runtime.core.trial import Origin, Trial, TrialState
from runtime.executors.base import (
    Broke,
    Cleared,
    Ended,
    Executor,
    MakeExecutor,
    NewView,
    Reported,
    Started,
    Waiting,
)
from runtime.gpus.leases import Lease
from runtime.loop import assessment, beginnings, change_space, tuner_thread
from runtime.loop.algorithms import Algorithms
from runtime.loop.conclude import conclude_experiment, conclude_trial
from runtime.loop.full_disk import DiskGuard
from runtime.loop.gate import Gate
from runtime.loop.handle_request import PENDING, handle_request
from runtime.loop.job import job
from runtime.loop.limits import FirstFailures, Limits, Running
from runtime.loop.messages import Interrupt, Message
from runtime.loop.remains import Remains
from runtime.loop.replay import is_lesson
from runtime.loop.retries import Reason, RetryPolicy
from runtime.loop.shared_files import SharedFiles
from runtime.loop.trials import Trials
from runtime.loop.tuning import Tuning
from runtime.loop.watcher import Watcher
from runtime.store import Store
from tuners.budgets.budget import is_budget

_GRACE = 10.0  # seconds that a trial has to end by itself before it is killed
_IDLE = 1.0  # seconds without an event until the disk is checked


class Experiment:
    """Runs one experiment to its end.

    Owns `store`, opened for writing, while it runs. `make_executor` and `make_gate` get a function
    to which the executor posts its events and the gate its views of the GPUs.
    """

    def __init__(
        self,
        folder: ExperimentFolder,
        store: Store,
        make_executor: MakeExecutor,
        make_gate: Callable[[Trials, Executor, Callable[[NewView], None]], Gate],
        algorithms: Algorithms,
        watcher: Watcher,
        *,
        limits: Limits,
    ) -> None:
        row = store.experiment()
        self.config = Config.from_json(row.config)
        self.folder = folder
        self.state, self.reason, self.ended = row.state, row.reason, row.ended
        self._store, self._disk = store, DiskGuard(folder.path, watcher.note)
        store.retry_with(self._disk.retry)
        self.trials = Trials(self._store, row.space, watcher.changed)
        self._shared_files = SharedFiles(self.trials, self.config)
        self._retry_policy = RetryPolicy(self.config.retries, self._disk.is_full)
        self._make_executor, self._make_gate = make_executor, make_gate
        self._watcher, self._limits = watcher, limits
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._waiting: deque[int] = deque()  # trials that have values but no slot yet
        self._running: dict[int, Running] = {}
        self._remains = Remains(folder)
        post = self._inbox.put
        self._tuning = Tuning(
            self.config, folder, store, self.trials, row.space, algorithms, watcher.note, post
        )
        self._first_failures = FirstFailures(self.trials.values(), self.config.max_failures)
        self._broken: AnnotateError | None = None  # what ended it
        self._ending: tuple[str, str | None] | None = None  # its final state, and the reason

    def interrupt(self, *, at_once: bool = False) -> None:
        """Stop the experiment. May be called from a signal handler or from another thread."""
        self._disk.give_up()
        self._inbox.put(Interrupt(at_once))

    @property
    def space(self) -> SearchSpace:
        return self._tuning.space

    @property
    def best(self) -> Trial | None:
        return self.trials.best(maximize=self.config.maximize)

    def run(self) -> None:
        """Run until a limit is reached or the user stops it; sets `state` and `reason`."""
        self._set_state("RUNNING", None)
        self._store.sync_in_background()
        self._executor = self._make_executor(self._inbox.put)
        self._gate = self._make_gate(self.trials, self._executor, self._inbox.put)
        self._requests = Requests(self.folder.requests, self._inbox.put)
        try:
            self._resume()
            self._fill()
            while self._running or self._continues():
                self._step()
        finally:
            self._requests.close()
            self._tuning.close(finish=self._ending is None)
            for part in (self._executor, self._gate, self._remains):
                part.close()
        self._finish()
        if self._broken is not None:
            raise self._broken

    def _continues(self) -> bool:
        """Whether there may be more trials; an ending experiment does not wait for the tuner."""
        return self._ending is None and (self._tuning.busy or bool(self._waiting))

    def _resume(self) -> None:
        """Continue where the last driver stopped; trials that it left unfinished run first."""
        self._tuning.resume()
        for number in [n for n, trial in self.trials.items() if not trial.state.ended]:
            trial = self.trials.rerun(number)
            if self._executor.take_up(number, self.folder.trial(number), trial.place):
                self._running[number] = Running.begun(self.config)
                self._gate.adopt(trial)
                self._tuning.assessment.started(trial)
            else:
                self._waiting.append(number)

    # Filling the slots

    def _fill(self) -> None:
        if self._tuning.replaying:
            return
        self._start_waiting()
        while not self._waiting and self._has_slot() and self._wants_more():
            if not self.trials and self.config.baseline:
                self._waiting.append(self.trials.new(Origin.BASELINE, {}).number)
                self._start_waiting()
            else:
                self._tuning.ask()

    def _start_waiting(self) -> None:
        """Start waiting trials, in order, while there are slots and the gate lets them pass."""
        for number in list(self._waiting) if self._has_slot() else ():
            if not self._has_slot():
                return
            lease = self._gate.take(number)
            if lease is not None:
                self._waiting.remove(number)
                self._start(self.trials[number], lease)

    def _has_slot(self) -> bool:
        slots = self._gate.slots(self.config)
        return self._ending is None and len(self._running) + self._tuning.asking < slots

    def _wants_more(self) -> bool:
        limit = self.config.max_trials
        within = limit is None or len(self.trials) + self._tuning.asking < limit
        return within and self._tuning.exhausted is None

    def _start(self, trial: Trial, lease: Lease) -> None:
        watched = [*self.trials.effects.watched, *self._tuning.watched]
        self._disk.start(
            lambda: self._executor.start(job(self.config, self.folder, trial, lease, watched))
        )
        self._running[trial.number] = Running.begun(self.config)
        self._tuning.assessment.started(trial)

    # Messages

    def _next(self) -> Message | None:
        """The next message, or None if a limit is reached first or nothing happens for a while."""
        patience = self._limits.patience(self._running.values(), ending=self._ending is not None)
        with suppress(Empty):
            return self._inbox.get(timeout=min(patience, _IDLE))
        self._disk.poll()
        self._store.check()
        return None

    def _step(self) -> None:
        """Handle a message and fill the slots. An error ends the experiment, which can resume."""
        try:
            self._handle(self._next())
            self._check_limits()
            self._fill()
        except AnnotateError as error:
            self._broken = self._broken or error
            self._stop("ERROR", error.message)

    def _handle(self, message: Message | None) -> None:
        match message:
            case Waiting() | Started():
                beginnings.record(message, self.trials, self._gate, self._running)
            case NewView():
                self._gate.take_view(message)
            case Reported():
                self._on_report(message)
            case Ended() | Broke() | Cleared():
                self._on_end(message)
            case Request():
                self._on_request(message)
            case assessment.Judged() | assessment.AssessorBroke():
                self._on_assessor(message)
            case Interrupt(at_once):
                if self._running and self._ending is None:
                    self._watcher.note("stopping the running trials; interrupt again to kill them")
                self._stop("STOPPED", "interrupted", grace=0.0 if at_once else _GRACE)
            case _ if message is not None:
                self._on_tuner(message)

    def _on_tuner(self, message: tuner_thread.Message) -> None:
        former, (answers, decided) = self.space, self._tuning.take(message, self._running)
        if self._ending is None:
            for answer in answers:
                trial = self.trials.new(Origin.TUNER, answer.values or {}, asked=answer.step)
                self._waiting.append(trial.number)
        if decided is not None:
            for number in change_space.outside(self.space, former, self._waiting, self.trials):
                self._waiting.remove(number)
                self.trials.cancel(number, TrialState.SYS_CANCELED, change_space.OUTSIDE)
            self._answer(decided.request, decided.answer)
            for request in decided.held:
                self._on_request(request)

    def _on_report(self, message: Reported) -> None:
        running, batch = self._running[message.trial], message.batch
        for text in (*batch.notes, *self._shared_files.notices(message.trial, batch)):
            self._watcher.note(text)
        running.heard = time.monotonic() if batch.reports else running.heard
        self.trials.reported(message.trial, batch, keep=not running.stopped_early)
        if any(map(is_budget, batch.used)):
            self._tuning.assessment.read_budget(message.trial)
        self._tuning.assessment.judge(message.trial, running, batch.reports, message.handled)

    def _on_assessor(self, message: assessment.Message) -> None:
        if isinstance(message, assessment.AssessorBroke):
            raise message.error
        running = message.running
        running.unjudged -= 1
        if self._running.get(message.trial) is not running:
            return  # it ended in the meantime
        if message.reason is not None and running.ends_as is None:
            self.trials.cut(message.trial, running.cut(message.kept))
            self._end(message.trial, TrialState.EARLY_STOPPED, message.reason)
        elif running.ended is not None and not running.unjudged:
            self._conclude(running.ended)

    def _on_end(self, message: Ended | Broke | Cleared) -> None:
        if isinstance(message, Broke):
            raise message.error
        if isinstance(message, Cleared):
            self._remains.cleared(message.trial)
            return
        running = self._running[message.trial]
        if running.unjudged and running.ends_as is None and self._ending is None:
            running.ended = message
        else:
            self._conclude(message)

    def _conclude(self, message: Ended) -> None:
        running = self._running.pop(message.trial)
        trial, failure = conclude_trial(self.trials[message.trial], message, running, self.folder)
        if self._gate.ended(trial, failure) and self._ending is None:
            self._waiting.appendleft(self.trials.rerun(trial.number).number)
            return
        if self._ending is None:
            rerun = self._retry_policy.reason_to_rerun(trial, failure, message)
            if rerun is not None:
                self._rerun(trial, failure, rerun)
                return
        self._tuning.assessment.ended(trial, running)
        told = is_lesson(trial)
        self.trials.ended(trial, told=told)
        self._remains.add(trial.number)
        if told:
            self._tuning.tell(trial)
        if failure is not None:
            self._watcher.failed(trial, failure)
        if (reason := self._first_failures.reason_to_stop(trial)) and self._ending is None:
            self._stop("ERROR", reason)

    def _rerun(self, trial: Trial, failure: Failure | None, reason: Reason) -> None:
        if failure is not None and reason.is_failure:
            self._watcher.failed(trial, failure)
        self._watcher.note(reason.text)
        self._waiting.appendleft(self.trials.rerun(trial.number, failed=reason.is_failure).number)

    def _on_request(self, request: Request) -> None:
        answer = None if self._tuning.hold(request) else handle_request(self, request)
        if answer is None:
            self._requests.accept(request, PENDING)
        else:
            self._answer(request, answer)

    def _answer(self, request: Request, answer: Answer) -> None:
        self._requests.answer(request, answer)
        if answer.ok:
            self._watcher.note(answer.text)

    # Requests

    def change_limits(self, **limits: Any) -> None:
        """Change limits. Raises AnnotateError if they are invalid."""
        self.config = self._limits.config = replace(self.config, **limits)
        self._store.set_config(self.config.to_json())

    def change_space(self, space: SearchSpace, request: Request) -> None:
        """Change the search space once the tuner is free, then answer `request`.

        Raises AnnotateError if the snapshot does not support the space.
        """
        if self._ending is not None:
            raise AnnotateError("the experiment is stopping")
        space = space.with_names_of(self.space)
        change_space.check(self.folder, self.space, space)
        self._tuning.change_space(space, request)

    def enqueue(self, values: Values) -> Trial:
        """Add a trial with the user's values, which runs as soon as there is a slot.

        Parameters without a value stay as written. Raises SpaceError for values outside the space.
        """
        if self._ending is not None:
            raise AnnotateError("the experiment is stopping")
        located = {(p := self.space.resolve(n)).key: p.domain.locate(v) for n, v in values.items()}
        trial = self.trials.new(Origin.USER, located)
        self._waiting.append(trial.number)
        return trial

    def import_results(self, results: Sequence[JSON]) -> str:
        """Tell the tuner imported results, in the form of `known_results.split_by_space`."""
        return self._tuning.import_results(results)

    def kill(self, number: int) -> None:
        """Stop one trial. Raises AnnotateError if it has already ended or does not exist."""
        trial = self.trials.get(number)
        if trial is None or trial.state.ended:
            raise AnnotateError(f"trial {number} is not running")
        end = TrialState.USER_CANCELED, "stopped by a request"
        if number not in self._running:
            self._waiting.remove(number)
            self.trials.cancel(number, *end)
        elif self._running[number].ends_as is None:
            self._end(number, *end)

    def stop(self) -> None:
        self._stop("STOPPED", "stopped by a request")

    # Ending

    def _check_limits(self) -> None:
        if not self._limits.due():
            return
        if (reason := self._limits.over()) and self._ending is None:
            self._stop("DONE", reason, cut=TrialState.SYS_CANCELED)
        for number, reason in self._limits.broken(self._running):
            self._end(number, TrialState.FAILED, reason)

    def _end(self, number: int, state: TrialState, reason: str, grace: float = _GRACE) -> None:
        """Stop a running trial; its final state will be `state`."""
        running = self._running[number]
        running.end_as(state, reason)
        if running.ended is not None:
            self._conclude(running.ended)
        else:
            self._executor.stop(number, grace=grace)

    def _stop(
        self,
        state: str,
        reason: str,
        *,
        cut: TrialState = TrialState.INTERRUPTED,
        grace: float = _GRACE,
    ) -> None:
        """Start no more trials and stop the running ones; a second call may shorten their grace."""
        self._ending = self._ending or (state, reason)
        for number, running in list(self._running.items()):
            if running.ended is not None:
                self._conclude(running.ended)
            elif running.ends_as is None:
                self._end(number, cut, self._ending[1] or "", grace)
            elif grace == 0.0:
                self._executor.stop(number, grace=grace)

    def _finish(self) -> None:
        state, reason = conclude_experiment(
            self._ending, self._tuning.exhausted, self.trials.values(), self.best
        )
        for number in self._waiting if state == "DONE" else ():
            self.trials.cancel(number, TrialState.SYS_CANCELED, reason or "the experiment is done")
        self._set_state(state, reason)

    def _set_state(self, state: str, reason: str | None) -> None:
        self.state, self.reason = state, reason
        self.ended = None if state == "RUNNING" else time.time()  # seconds since the epoch
        self._store.set_state(state, reason, self.ended)
