"""Has the assessor, if the experiment has one, judge the trials that run."""

from __future__ import annotations

from collections.abc import Iterable

from runtime.core.trial import Report, Trial, TrialState
from runtime.loop.limits import Running
from runtime.loop.replay import show_curves
from runtime.store import Store
from tuners.base import Assessor, Verdict


class Assessment:
    """Calls the assessor; without one, every trial runs to its own end."""

    def __init__(self, assessor: Assessor | None) -> None:
        self.assessor = assessor

    def replace(
        self,
        assessor: Assessor | None,
        store: Store,
        ended: Iterable[Trial],
        running: Iterable[Trial],
    ) -> None:
        """Go on with the assessor of another tuner, which does not know these trials yet."""
        self.assessor = assessor
        if assessor is None:
            return
        show_curves(store, ended, assessor)
        for trial in running:
            self.started(trial)

    def started(self, trial: Trial) -> None:
        if self.assessor is not None:
            self.assessor.started(trial.number, trial.values)

    def reason_to_stop(self, trial: int, running: Running, reports: Iterable[Report]) -> str | None:
        """Add the intermediate results to the trial's curve; why it should be stopped, or None."""
        if self.assessor is None:
            return None
        reason = None
        for report in reports:
            if report.kind != "intermediate":
                continue
            running.curve.append(report.number)
            if reason or running.ends_as:
                continue
            if self.assessor.judge(trial, running.curve) is Verdict.STOP:
                reason = f"stopped by the assessor after {len(running.curve)} results"
        return reason

    def ended(self, trial: Trial, running: Running) -> None:
        if self.assessor is not None and trial.state.ended:
            ok = trial.state is TrialState.SUCCEEDED
            self.assessor.finished(trial.number, running.curve, ok)

    def close(self) -> None:
        if self.assessor is not None:
            self.assessor.close()
