"""Hyperband."""

from __future__ import annotations

import math
from typing import Literal

from annotate.space import SearchSpace, Values
from tuners.arguments import at_least
from tuners.base import Exhausted, Tuner
from tuners.budgets.budget import Budgeted, BudgetEnd, key
from tuners.budgets.halving import Bracket, budgets, halvings, rounds
from tuners.fresh import FreshTuner
from tuners.random import Random


class Brackets(Tuner):
    """Brackets of successive halving over the configurations that `source` draws.

    Each configuration is drawn once and comes again with larger budgets. While a bracket waits
    for results the next one starts, unless they are `serial`.
    """

    def __init__(
        self,
        source: FreshTuner,
        budgeted: Budgeted,
        *,
        most: float,
        least: float,
        eta: int,
        serial: bool = False,
    ) -> None:
        super().__init__(budgeted.space, seed=source.seed, maximize=source.maximize)
        self._budgeted = budgeted
        self.assessor = BudgetEnd(most, maximize=source.maximize)
        self._source, self._most, self._eta, self._serial = source, most, eta, serial
        self._widest = halvings(most, least, eta)
        self._opened = 0
        self._open: list[Bracket] = []
        self._running: dict[str, Bracket] = {}

    def ask(self) -> Values:
        while True:
            for bracket in self._open:
                if bracket.promoted:
                    return self._issue(bracket, bracket.take_promoted())
            incomplete = [bracket for bracket in self._open if bracket.undrawn]
            try:
                return self._issue(*self._draw(incomplete))
            except Exhausted:
                if not incomplete:
                    raise
                incomplete[0].end_drawing()

    def _draw(self, incomplete: list[Bracket]) -> tuple[Bracket, Values]:
        """A new configuration, for the first bracket that wants one or else for a new bracket."""
        if not incomplete and self._serial and self._open:
            raise Exhausted("waiting for the other results of this round")
        config = self._source.ask()
        bracket = incomplete[0] if incomplete else self._open_next()
        bracket.add_drawn()
        return bracket, config

    def _open_next(self) -> Bracket:
        s = self._widest - self._opened % (self._widest + 1)
        self._opened += 1
        bracket = Bracket.of(rounds(self._most, self._eta, s, self._widest))
        self._open.append(bracket)
        return bracket

    def _issue(self, bracket: Bracket, config: Values) -> Values:
        values = self._budgeted.values(config, bracket.budget)
        self._running[key(values)] = bracket
        return values

    def tell(self, values: Values, metric: float | None) -> None:
        config, budget = self._budgeted.split(values)
        bracket = self._running.pop(key(values), None)
        loss = None
        if metric is not None and math.isfinite(metric):
            loss = -metric if self.maximize else float(metric)
        self._source.tell(config, metric)
        self.learn(config, self._most if budget is None else budget, loss)
        if bracket is not None:
            bracket.tell(config, loss)
            self._open = [b for b in self._open if not b.is_over]

    def learn(self, config: Values, budget: float, loss: float | None) -> None:
        """Learn a result; a trial without a budget had the full one."""


class Hyperband(Brackets):
    """Random configurations, many with a small budget; the better ones again with a larger one.

    Li et al., Hyperband, JMLR 2018, algorithm 1; NNI's page Tuner/HyperbandAdvisor. `R` is the
    largest budget; a share 1 / `eta` of a round continues. While a bracket waits for results the
    next one starts (`parallelism`), or the tuner waits too (`serial`).

    The budget is the value `TRIAL_BUDGET`; a script that trains beyond it is stopped.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        R: int = 60,  # noqa: N803  NNI's name
        eta: int = 3,
        exec_mode: Literal["parallelism", "serial"] = "parallelism",
    ) -> None:
        at_least("R", R, 1)
        at_least("eta", eta, 2)
        budgeted = Budgeted.of(space, budgets(R, 1, eta))
        source = Random(budgeted.space, seed=seed, maximize=maximize)
        serial = exec_mode == "serial"
        super().__init__(source, budgeted, most=R, least=1, eta=eta, serial=serial)
