"""An assessor written for NNI behind our contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuners.base import Assessor, Verdict


class NniAssessor(Assessor):
    """Calls `assess_trial` and `trial_end`, with the trial's number as text for its id; NNI's
    page Assessor/CustomizeAssessor."""

    def __init__(self, inner: Any, *, maximize: bool) -> None:
        super().__init__(maximize=maximize)
        self._inner = inner

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        good = self._inner.assess_trial(str(trial), list(curve))
        # An AssessResult is true where it is Good; some assessors answer with a plain bool.
        return Verdict.KEEP if good else Verdict.STOP

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        self._inner.trial_end(str(trial), ok)
