"""Early stopping by the median rule."""

from __future__ import annotations

from array import array
from bisect import insort
from collections.abc import Sequence
from math import isfinite, isnan

from annotate.space import Values
from tuners.arguments import at_least
from tuners.base import Assessor, Verdict

_SCALE = 2.0**60


class Medianstop(Assessor):
    """Stops a trial whose best result so far is worse than the median of the others' averages.

    Golovin et al., Google Vizier, KDD 2017, section 3.2.2: the averages are over the results up
    to the same step, of each finished trial that got there; nan is none. NNI's page
    Assessor/MedianstopAssessor. It judges from `start_step` results on, once a trial that got as
    far has finished.
    """

    def __init__(self, *, maximize: bool = False, start_step: int = 0) -> None:
        super().__init__(maximize=maximize)
        at_least("start_step", start_step, 0)
        self._start = start_step
        self._averages: list[array[float]] = []  # by step, each sorted
        self._best: dict[
            int, tuple[int, float]
        ] = {}  # number of results seen, and the best of them

    def started(self, trial: int, values: Values) -> None:
        self._best.pop(trial, None)  # a trial may run again

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        step = len(curve)
        others = self._averages[step - 1] if 0 < step <= len(self._averages) else ()
        if step < self._start or not others:
            return Verdict.KEEP
        # In halves, because the sum of two results may be beyond the largest number.
        low, high = others[(len(others) - 1) // 2] / 2, others[len(others) // 2] / 2
        middle, best = (low + high) / 2, self._best_of(trial, curve) / 2
        worse = best < middle if self.maximize else best > middle
        return Verdict.STOP if worse else Verdict.KEEP

    def _best_of(self, trial: int, curve: Sequence[float]) -> float:
        """The best result, looking only at new ones: a curve may have a million."""
        count, best = self._best.get(trial, (0, 0.0))
        if not 0 < count < len(curve):
            count, best = 1, curve[0]
        best = (max if self.maximize else min)([best, *curve[count:]])
        self._best[trial] = len(curve), best
        return best

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        self._best.pop(trial, None)
        if not ok:
            return
        total, scaled = 0.0, 0.0
        for step, result in enumerate(curve, start=1):
            total += result
            scaled += result / _SCALE  # stays finite where the total does not
            if step > len(self._averages):
                self._averages.append(array("d"))
            average = total / step if isfinite(total) else scaled / step * _SCALE
            if not isnan(average):
                insort(self._averages[step - 1], average)
