"""Runs the assessor in its own thread, so that a slow one never delays a report or a stop."""

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
from runtime.system.units import count
from tuners.base import Assessor, Verdict

_LAST_CALLS = 1.0  # seconds at the end for the calls that are still queued


@dataclass(frozen=True, slots=True)
class Judged:
    """The trial's new results have been judged.

    `reason` says why to stop it, or is None. The trial keeps its first `kept` results then.
    """

    trial: int
    running: Running
    reason: str | None
    kept: int


@dataclass(frozen=True, slots=True)
class AssessorBroke:
    """The assessor raised an error; the thread has ended."""

    error: Exception


Message: TypeAlias = Judged | AssessorBroke


class Assessment:
    """Queues calls of the assessor for its thread, in order, and posts messages to `post`.

    Without an assessor, every trial runs to its own end.
    """

    def __init__(self, assessor: Assessor | None, post: Callable[[Message], None]) -> None:
        self.assessor = assessor
        self._post = post
        self._called = assessor  # used by the thread; set when the queue reaches `replace`
        self._work: SimpleQueue[Callable[[Assessor], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def replace(
        self,
        assessor: Assessor | None,
        store: Store,
        ended: Iterable[Trial],
        running: Iterable[Trial],
    ) -> None:
        """Continue with the assessor of a new tuner, and teach it the trials so far.

        Trials that the old assessor has not judged yet continue.
        """
        self.assessor = assessor
        if assessor is None:
            return
        self._queue(lambda former: self._switch_to(assessor))
        show_curves(store, ended, _Queued(self._queue))
        for trial in running:
            self.started(trial)

    def started(self, trial: Trial) -> None:
        if self.assessor is not None:
            _Queued(self._queue).started(trial.number, trial.values)

    def read_budget(self, trial: int) -> None:
        if self.assessor is not None:
            _Queued(self._queue).read_budget(trial)

    def judge(
        self,
        trial: int,
        running: Running,
        reports: Iterable[Report],
        handled: threading.Event | None,
    ) -> None:
        """Add the intermediate results to the trial's curve and queue them for the assessor.

        Afterwards sets `handled`, and posts Judged if there were any.
        """
        new = [report.number for report in reports if report.kind == "intermediate"]
        if self.assessor is not None and not running.stopped_early:
            running.curve += new
        if self.assessor is None or running.ends_as or not new:
            if handled is not None:
                handled.set()
            return
        running.unjudged += 1
        running.handled = handled
        curve = list(running.curve)
        first = len(curve) - len(new) + 1
        self._queue(lambda assessor: self._judge(assessor, trial, running, curve, first))

    def ended(self, trial: Trial, running: Running) -> None:
        if self.assessor is not None and trial.state.ended:
            ok = trial.state is TrialState.SUCCEEDED
            _Queued(self._queue).finished(trial.number, running.curve, ok)

    def close(self) -> None:
        """Close the assessor, without waiting for a call that hangs."""
        if self._thread is not None:
            self._work.put(None)
            self._thread.join(_LAST_CALLS)
        if self.assessor is not None:
            self.assessor.close()

    # The assessor's thread

    def _queue(self, call: Callable[[Assessor], None]) -> None:
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
                # The old assessor has been closed; its verdicts no longer matter.

    def _switch_to(self, assessor: Assessor) -> None:
        self._called = assessor

    def _judge(
        self, assessor: Assessor, trial: int, running: Running, curve: list[float], first: int
    ) -> None:
        reason, kept = None, len(curve)
        try:
            for length in range(first, len(curve) + 1):
                if running.ends_as or running.stopping or assessor is not self.assessor:
                    break
                if assessor.judge(trial, curve[:length]) is Verdict.STOP:
                    running.stopping, kept = True, length
                    reason = f"stopped by the assessor after {count(length, 'result')}"
        finally:
            self._post(Judged(trial, running, reason, kept))
            if running.handled is not None:
                running.handled.set()


class _Queued(Assessor):
    """An assessor that queues its calls."""

    def __init__(self, queue: Callable[[Callable[[Assessor], None]], None]) -> None:
        super().__init__()
        self._queue = queue

    def started(self, trial: int, values: Values) -> None:
        self._queue(lambda assessor: assessor.started(trial, values))

    def read_budget(self, trial: int) -> None:
        self._queue(lambda assessor: assessor.read_budget(trial))

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        raise NotImplementedError("a verdict comes as a message")

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        curve = list(curve)
        self._queue(lambda assessor: assessor.finished(trial, curve, ok))
