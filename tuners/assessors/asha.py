"""Asynchronous successive halving, by stopping."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence

from tuners.arguments import at_least
from tuners.base import Assessor, Verdict


class Asha(Assessor):
    """Stops a trial that is not among the best 1 / `eta` of those that have reached its rung.

    Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020, section 3.2, in
    the form that stops trials: a promising trial continues at once instead of being resumed (as
    in Tune and Optuna; NNI's page of assessors has none). The rungs are at `min_steps`,
    `min_steps` times `eta`, times `eta` squared … results. Any tuner may propose the trials.
    """

    def __init__(self, *, maximize: bool = False, min_steps: int = 1, eta: int = 3) -> None:
        super().__init__(maximize=maximize)
        at_least("min_steps", min_steps, 1)
        at_least("eta", eta, 2)
        self._min, self._eta = min_steps, eta
        self._rungs: dict[int, _Rung] = {}

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        step = len(curve)
        if not self._is_rung(step):
            return Verdict.KEEP
        sign = -1.0 if self.maximize else 1.0
        loss = min(sign * result for result in curve)
        losses = self._rungs.setdefault(step, _Rung()).add(trial, loss)
        survivors = max(1, len(losses) // self._eta)
        return Verdict.KEEP if loss <= losses[survivors - 1] else Verdict.STOP

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        """Does nothing: a rung remembers every trial that has reached it."""

    def _is_rung(self, step: int) -> bool:
        rung = self._min
        while rung < step:
            rung *= self._eta
        return rung == step


class _Rung:
    """The losses of the trials that have reached a rung."""

    def __init__(self) -> None:
        self._of: dict[int, float] = {}
        self._sorted: list[float] = []

    def add(self, trial: int, loss: float) -> Sequence[float]:
        """Add the trial's loss, or replace it if the trial runs again; returns all, sorted."""
        loss = math.inf if math.isnan(loss) else loss
        if trial in self._of:
            del self._sorted[bisect_left(self._sorted, self._of[trial])]
        self._of[trial] = loss
        insort(self._sorted, loss)
        return self._sorted
