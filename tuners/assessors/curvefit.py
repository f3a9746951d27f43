"""Early stopping by extrapolated learning curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tuners.arguments import at_least, between
from tuners.assessors.curves import extrapolate
from tuners.base import Assessor, Verdict
from tuners.geometry.axes import Floats


class Curvefitting(Assessor):
    """Stops a trial whose curve, extrapolated to its end, stays below the best final result.

    Domhan, Springenberg and Hutter, Speeding up Automatic Hyperparameter Optimization of Deep
    Neural Networks by Extrapolation of Learning Curves, IJCAI 2015; NNI's page
    Assessor/CurvefittingAssessor. Twelve curves are fitted by least squares and weighted by the
    Bayesian information criterion instead of the paper's Markov chain.

    `epoch_num` is the number of results of a full trial. A trial is judged from `start_step`
    results on, after every `gap` results. It continues if the prediction is better than the best
    final result, with a tolerance of the share 1 - `threshold` of it. When minimizing, 1.05 and
    0.95 mean the same.
    """

    def __init__(
        self,
        *,
        maximize: bool = False,
        epoch_num: int,
        start_step: int = 6,
        threshold: float = 0.95,
        gap: int = 1,
    ) -> None:
        super().__init__(maximize=maximize)
        at_least("epoch_num", epoch_num, 2)
        at_least("start_step", start_step, 3)
        between("threshold", threshold, 0, 2)
        at_least("gap", gap, 1)
        self._length, self._start, self._gap = epoch_num, start_step, gap
        self._slack = abs(1 - threshold)
        self._best: float | None = None

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        step = len(curve)
        due = step >= self._start and (step - self._start) % self._gap == 0
        if not due or step >= self._length or self._best is None:
            return Verdict.KEEP
        # In quarters, because a difference of two results may be beyond the largest number.
        rising, best = np.array(curve, dtype=float) * self._sign / 4, self._best / 4
        needed = best - self._slack * abs(best)
        if not np.isfinite(rising).all() or rising.max() > needed:
            return Verdict.KEEP
        predicted = self._predict(rising, needed)
        return Verdict.STOP if predicted is not None and predicted <= needed else Verdict.KEEP

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        if ok and curve and np.isfinite(curve[-1]):
            final = self._sign * float(curve[-1])
            self._best = final if self._best is None else max(self._best, final)

    @property
    def _sign(self) -> float:
        return 1.0 if self.maximize else -1.0

    def _predict(self, rising: Floats, needed: float) -> float | None:
        """The predicted last result of a rising curve. It is scaled to 0 to 1 for the fit."""
        least = float(rising.min())
        height = max(float(rising.max()), needed) - least
        if height <= 0:
            return None
        last = extrapolate((rising - least) / height, self._length)
        return None if last is None else least + height * last
