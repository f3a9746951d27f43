"""Adapts an assessor written for NNI to our contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuners.base import Assessor, Verdict


class NniAssessor(Assessor):
    """Calls `assess_trial` and `trial_end`, with the trial's number as its id.

    NNI's page Assessor/CustomizeAssessor.
    """

    def __init__(self, inner: Any, *, maximize: bool) -> None:
        super().__init__(maximize=maximize)
        self._inner = inner

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        good = self._inner.assess_trial(str(trial), list(curve))
        # AssessResult.Good is true, AssessResult.Bad is false; some assessors return a bool.
        return Verdict.KEEP if good else Verdict.STOP

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        self._inner.trial_end(str(trial), ok)
