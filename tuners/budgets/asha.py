"""Asynchronous successive halving, by promotion."""

from __future__ import annotations

import math

from annotate.space import SearchSpace, Values
from tuners.arguments import at_least
from tuners.base import Tuner
from tuners.budgets.budget import Budgeted, BudgetEnd, key
from tuners.budgets.halving import halvings
from tuners.random import Random

#: The losses at a rung, with their configurations.
Rung = list[tuple[float, Values]]


class AshaTuner(Tuner):
    """Promotes configurations among the best 1 / `eta` of their rung, without waiting.

    Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020, algorithm 2
    (NNI's page of tuners has none). The rungs' budgets are `R`, a share 1 / `eta` of it, and so on
    down to `min_budget` or more. If nothing can be promoted, a random configuration starts.

    The budget is the value `TRIAL_BUDGET`; a script that trains beyond it is stopped.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        R: int = 60,  # noqa: N803  Hyperband's name
        eta: int = 3,
        min_budget: int = 1,
    ) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        at_least("eta", eta, 2)
        at_least("min_budget", min_budget, 1)
        at_least("R", R, min_budget)
        self.assessor = BudgetEnd(R, maximize=maximize)
        self._eta = eta
        top = halvings(R, min_budget, eta)
        self._budgets = [math.floor(R / eta ** (top - k) + 1e-9) for k in range(top + 1)]
        self._budgeted = Budgeted.of(space, self._budgets)
        self._source = Random(self._budgeted.space, seed=seed, maximize=maximize)
        self._rungs: list[Rung] = [[] for _ in self._budgets]
        self._promoted: list[set[str]] = [set() for _ in self._budgets]
        self._running: dict[str, int] = {}

    def ask(self) -> Values:
        for rung in range(len(self._rungs) - 2, -1, -1):
            config = self._promotable(rung)
            if config is not None:
                self._promoted[rung].add(key(config))
                return self._issue(config, rung + 1)
        return self._issue(self._source.ask(), 0)

    def _promotable(self, rung: int) -> Values | None:
        best = sorted(self._rungs[rung], key=lambda result: result[0])
        best = best[: len(best) // self._eta]
        fresh = (config for _, config in best if key(config) not in self._promoted[rung])
        return next(fresh, None)

    def _issue(self, config: Values, rung: int) -> Values:
        values = self._budgeted.values(config, self._budgets[rung])
        self._running[key(values)] = rung
        return values

    def tell(self, values: Values, metric: float | None) -> None:
        config, _ = self._budgeted.split(values)
        rung = self._running.pop(key(values), None)
        self._source.tell(config, metric)
        if rung is not None and metric is not None and math.isfinite(metric):
            loss = -metric if self.maximize else float(metric)
            self._rungs[rung].append((loss, config))
