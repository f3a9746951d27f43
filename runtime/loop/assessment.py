"""Has the assessor judge running trials, in a thread: one that hangs delays no report or stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeAlias

from annotate.space import Values
from runtime.core.trial import Report, Trial, TrialState
from runtime.loop.limits import Running
from runtime.loop.replay import show_curves
from runtime.store import Store
from tuners.base import Assessor, Verdict

_LAST_CALLS = 1.0  # seconds that the assessor has at the end to learn of the last trials


@dataclass(frozen=True, slots=True)
class Judged:
    """The new results of a trial are judged; `reason` is why it should be stopped, or None."""

    trial: int
    running: Running
    reason: str | None


@dataclass(frozen=True, slots=True)
class AssessorBroke:
    """The assessor raised an error; the thread has ended."""

    error: Exception


Message: TypeAlias = Judged | AssessorBroke


class Assessment:
    """Calls the assessor in the order of the calls here; messages go to `post`.

    Without an assessor, every trial runs to its own end.
    """

    def __init__(self, assessor: Assessor | None, post: Callable[[Message], None]) -> None:
        self.assessor = assessor
        self._post = post
        self._called = assessor  # in the thread; a former one until the queue has come this far
        self._work: SimpleQueue[Callable[[Assessor], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def replace(
        self,
        assessor: Assessor | None,
        store: Store,
        ended: Iterable[Trial],
        running: Iterable[Trial],
    ) -> None:
        """Go on with the assessor of another tuner, which does not know these trials yet.

        Verdicts that the former one has not given yet let the trials go on.
        """
        self.assessor = assessor
        if assessor is None:
            return
        self._put(lambda former: self._call_from_now_on(assessor))
        show_curves(store, ended, _Queued(self._put))
        for trial in running:
            self.started(trial)

    def started(self, trial: Trial) -> None:
        if self.assessor is not None:
            _Queued(self._put).started(trial.number, trial.values)

    def judge(
        self,
        trial: int,
        running: Running,
        reports: Iterable[Report],
        handled: threading.Event | None,
    ) -> None:
        """Add the intermediate results to the trial's curve and have them judged.

        Sets `handled` when they are, and posts Judged if there are any.
        """
        new = [report.number for report in reports if report.kind == "intermediate"]
        if self.assessor is not None:
            running.curve += new
        if self.assessor is None or running.ends_as or not new:
            if handled is not None:
                handled.set()
            return
        running.unjudged += 1
        running.handled = handled
        curve = list(running.curve)
        first = len(curve) - len(new) + 1
        self._put(lambda assessor: self._judge(assessor, trial, running, curve, first))

    def ended(self, trial: Trial, running: Running) -> None:
        if self.assessor is not None and trial.state.ended:
            ok = trial.state is TrialState.SUCCEEDED
            _Queued(self._put).finished(trial.number, running.curve, ok)

    def close(self) -> None:
        """Close the assessor; a call that does not return is not waited for."""
        if self._thread is not None:
            self._work.put(None)
            self._thread.join(_LAST_CALLS)
        if self.assessor is not None:
            self.assessor.close()

    # In the thread

    def _put(self, call: Callable[[Assessor], None]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="assessor", daemon=True)
            self._thread.start()
        self._work.put(call)

    def _run(self) -> None:
        while (call := self._work.get()) is not None:
            assessor = self._called or self.assessor
            assert assessor is not None, "calls are queued for an assessor"
            try:
                call(assessor)
            except Exception as error:
                if assessor is self.assessor:
                    self._post(AssessorBroke(error))
                    return
                # A former one was closed; nobody waits for what it would have said.

    def _call_from_now_on(self, assessor: Assessor) -> None:
        self._called = assessor

    def _judge(
        self, assessor: Assessor, trial: int, running: Running, curve: list[float], first: int
    ) -> None:
        reason = None
        try:
            for length in range(first, len(curve) + 1):
                if running.ends_as or running.stopping or assessor is not self.assessor:
                    break
                if assessor.judge(trial, curve[:length]) is Verdict.STOP:
                    running.stopping = True
                    reason = f"stopped by the assessor after {length} results"
        finally:
            self._post(Judged(trial, running, reason))
            if running.handled is not None:
                running.handled.set()


class _Queued(Assessor):
    """The assessor by way of the queue."""

    def __init__(self, put: Callable[[Callable[[Assessor], None]], None]) -> None:
        super().__init__()
        self._put = put

    def started(self, trial: int, values: Values) -> None:
        self._put(lambda assessor: assessor.started(trial, values))

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        raise NotImplementedError("a verdict comes as a message")

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        curve = list(curve)
        self._put(lambda assessor: assessor.finished(trial, curve, ok))
