"""Stopping below the median."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from tuners.arguments import at_least
from tuners.base import Assessor, Verdict


class Medianstop(Assessor):
    """Stops a trial whose best result so far is worse than the median of the others' averages.

    Golovin et al., Google Vizier, KDD 2017, section 3.2.2: of each finished trial that got as
    far, the average of the results up to this step. NNI's page Assessor/MedianstopAssessor. It
    judges from `start_step` results on, and once one trial has finished that got as far.
    """

    def __init__(self, *, maximize: bool = False, start_step: int = 0) -> None:
        super().__init__(maximize=maximize)
        at_least("start_step", start_step, 0)
        self._start = start_step
        self._averages: list[list[float]] = []

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        step = len(curve)
        others = [averages[step - 1] for averages in self._averages if len(averages) >= step > 0]
        if step < self._start or not others:
            return Verdict.KEEP
        middle = median(others)
        worse = max(curve) < middle if self.maximize else min(curve) > middle
        return Verdict.STOP if worse else Verdict.KEEP

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        if not ok:
            return
        averages, total = [], 0.0
        for step, result in enumerate(curve, start=1):
            total += result
            averages.append(total / step)
        self._averages.append(averages)
