"""The loop's side of the tuner: asks it, tells it results, and replaces it.

A change of the search space is queued like every call of the tuner. When its turn comes, a new
tuner is created and taught what is known. Until then the former tuner may still answer; its
answers are held, because they count only if the change fails.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from annotate.space import SearchSpace
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.core.requests import Answer, Request
from runtime.core.trial import Trial
from runtime.loop import assessment, known_results
from runtime.loop.algorithms import Algorithms, tuner_of
from runtime.loop.assessment import Assessment
from runtime.loop.budgets import names_budget
from runtime.loop.handle_request import refusal
from runtime.loop.replay import Record
from runtime.loop.trials import Trials
from runtime.loop.tuner_thread import (
    Asked,
    Message,
    NotReplaced,
    Replaced,
    Replayed,
    TunerBroke,
    TunerThread,
)
from runtime.store import Store
from tuners.base import Assessor, Tuner
from tuners.budgets.budget import BUDGET, BudgetEnd, is_budget

_LAST_LESSONS = 5.0  # seconds for the tuner to learn the last results

#: Requests that wait for a pending change of the search space, because they depend on it.
_HELD = ("space", "import")


@dataclass(slots=True)
class _Change:
    request: Request
    space: SearchSpace
    record: Record  # what the new tuner is taught; later results are told as they come
    answers: list[Asked] = field(default_factory=list)  # used if the change fails
    requests: list[Request] = field(default_factory=list)  # that wait for the change


@dataclass(frozen=True, slots=True)
class Decided:
    """A change of the search space succeeded or failed; `held` are requests that waited for it."""

    request: Request
    answer: Answer
    held: list[Request]


class Tuning:
    """Asks and tells the tuner, numbers these calls in the store, and replaces it on request."""

    def __init__(
        self,
        config: Config,
        folder: ExperimentFolder,
        store: Store,
        trials: Trials,
        space: SearchSpace,
        algorithms: Algorithms,
        notify: Callable[[str], None],
        post: Callable[[Message | assessment.Message], None],
    ) -> None:
        self.space = space
        has_budgets = isinstance(algorithms.assessor, BudgetEnd)
        self._may_read_budget = has_budgets and names_budget(config, folder)
        self.assessment = Assessment(self._informed(algorithms.assessor), post)
        self.replaying = False  # teaching earlier results; no trial starts meanwhile
        self.asking = 0  # asks without an answer yet
        self.exhausted: str | None = None  # why the tuner has no more values
        self._config, self._folder = config, folder
        self._store, self._trials = store, trials
        self._notify = notify
        self._change: _Change | None = None
        self._thread = TunerThread(algorithms.tuner, space, post)

    @property
    def watched(self) -> list[str]:
        """What trials should report that they read, beside parameters: a budget."""
        if not self._may_read_budget:
            return []
        return [BUDGET, *(p.key for p in self.space if is_budget(p.key))]

    def _informed(self, assessor: Assessor | None) -> Assessor | None:
        """The assessor, which knows from now on whether scripts may read their budgets."""
        if assessor is not None:
            assessor.may_read_budget = self._may_read_budget
        return assessor

    @property
    def busy(self) -> bool:
        """Whether the tuner is working on something that may lead to more trials."""
        return bool(self.asking or self.replaying or self._change)

    def close(self, *, finish: bool) -> None:
        """Close the tuner and the assessor, without waiting for a call in progress.

        With `finish`, the tuner first learns the last results, unless that takes too long.
        """
        if finish and not self.busy:
            self._thread.finish(_LAST_LESSONS)
        self.assessment.close()  # first, because it waits for the last calls of an advisor
        self._thread.close()

    def resume(self) -> None:
        """Start the tuner's thread, and continue where an earlier driver stopped."""
        self._thread.start()
        record = self._record()
        self._trials.step = record.last_step
        if record.calls or record.ended:
            self.replaying = True
            self._thread.replay(record, self.assessment.assessor)
        results = [result for result in self._store.history() if result.told is None]
        self._store.tell_history([(r.number, self._trials.next_step()) for r in results])
        for result in results:
            self._thread.learn(result)

    def _record(self) -> Record:
        return Record.read(self._store, self._folder.store, self._trials)

    def ask(self) -> None:
        """Ask for values; the answer is posted as a message."""
        self.asking += 1
        self._thread.ask(self._trials.next_step())

    def tell(self, trial: Trial) -> None:
        """Tell the result of a trial that is already marked as told in the store."""
        self._thread.tell(trial)
        self.exhausted = None  # it may have values again

    def import_results(self, results: Sequence[JSON]) -> str:
        """Tell imported results, in the form of `known_results.split_by_space`."""
        split = known_results.split_by_space(self.space, results, "a request")
        next_step = self._trials.next_step
        self._store.add_history([replace(result, told=next_step()) for result in split.known])
        for result in split.known:
            self._thread.learn(result)
        self.exhausted = None  # it may have values again
        return split.sentence("outside")

    # Another search space

    def hold(self, request: Request) -> bool:
        """Hold the request until a pending change of the space is decided; False if none is."""
        if self._change is None or request.kind not in _HELD:
            return False
        self._change.requests.append(request)
        return True

    def change_space(self, space: SearchSpace, request: Request) -> None:
        """Replace the tuner by one for `space`; the request is answered after that."""
        record = self._record()
        self._change = _Change(request, space, record)
        self._thread.replace(
            # The experiment's own limits apply while it is loaded.
            lambda: self._new_tuner(space),
            space,
            record,
            assess=not self._config.assessor,
        )

    def _new_tuner(self, space: SearchSpace) -> Tuner:
        tuner = tuner_of(self._config, space, note=self._notify)
        self._informed(tuner.assessor)
        return tuner

    def take(self, message: Message, running: Iterable[int]) -> tuple[list[Asked], Decided | None]:
        """Handle a message of the thread; returns values to start, and the end of a change.

        `running` are the numbers of the trials that run. Raises what the tuner raised.
        """
        match message:
            case Asked():
                return self._on_answers([message]), None
            case Replayed():
                self.replaying = False
            case Replaced():
                return [], self._on_replaced(message, running)
            case NotReplaced(error):
                return self._on_not_replaced(error)
            case TunerBroke(error):
                self.asking = 0
                raise error
        return [], None

    def _on_answers(self, answers: list[Asked]) -> list[Asked]:
        if self._change is not None:
            self._change.answers += answers
            return []
        self.asking -= len(answers)
        for answer in answers:
            if answer.values is None:
                self.exhausted = answer.reason
        return [answer for answer in answers if answer.values is not None]

    def _on_replaced(self, message: Replaced, running: Iterable[int]) -> Decided:
        change = self._end_change()
        self._store.set_space(change.space)
        self.space = change.space
        if not self._config.assessor:
            self.assessment.replace(
                message.tuner.assessor,
                self._store,
                ended=[t for n, t in self._trials.items() if n not in change.record.ended],
                running=[self._trials[number] for number in running],
            )
        message.former.close()
        self.asking -= len(change.answers)  # the new tuner will be asked instead
        self.exhausted = None
        return Decided(change.request, _changed(message.count), change.requests)

    def _on_not_replaced(self, error: Exception) -> tuple[list[Asked], Decided]:
        change = self._end_change()
        answer = _failed(error)
        # The requester may no longer be waiting for the answer.
        self._notify(f"search space unchanged: {answer.text}")
        decided = Decided(change.request, answer, change.requests)
        return self._on_answers(change.answers), decided

    def _end_change(self) -> _Change:
        change, self._change = self._change, None
        assert change is not None, "only a request replaces the tuner"
        return change


def _changed(count: int) -> Answer:
    if count == 0:
        return Answer(True, "search space changed: no earlier result fits it")
    noun = "1 earlier result fits" if count == 1 else f"{count} earlier results fit"
    return Answer(True, f"search space changed: {noun} it")


def _failed(error: Exception) -> Answer:
    if isinstance(error, AnnotateError):
        return refusal(error)
    logging.error("The tuner failed in the new search space.", exc_info=error)
    text = f"the tuner failed in the new search space: {type(error).__name__}: {error}"
    return Answer(False, text)
