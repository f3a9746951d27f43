"""Hyperband."""

from __future__ import annotations

import math
from typing import Literal

from annotate.space import SearchSpace, Values
from tuners.arguments import at_least
from tuners.base import Exhausted, Tuner
from tuners.budgets.budget import BUDGET, BudgetEnd, key, split
from tuners.budgets.halving import Bracket, halvings, rounds
from tuners.fresh import FreshTuner
from tuners.random import Random


class Brackets(Tuner):
    """Brackets of successive halving over the configurations that `source` draws.

    Each configuration is drawn once; with greater budgets it comes again. What a bracket waits
    for lets the next one begin, unless they come one after the other (`serial`).
    """

    def __init__(
        self,
        source: FreshTuner,
        *,
        most: float,
        least: float,
        eta: int,
        serial: bool = False,
    ) -> None:
        super().__init__(source.space, seed=source.seed, maximize=source.maximize)
        self.assessor = BudgetEnd(most, maximize=source.maximize)
        self._source, self._most, self._eta, self._serial = source, most, eta, serial
        self._widest = halvings(most, least, eta)
        self._begun = 0
        self._open: list[Bracket] = []
        self._running: dict[str, Bracket] = {}

    def ask(self) -> Values:
        while True:
            for bracket in self._open:
                if bracket.promoted:
                    return self._give(bracket, bracket.promote())
            wanting = [bracket for bracket in self._open if bracket.wanted]
            try:
                return self._give(*self._draw(wanting))
            except Exhausted:
                if not wanting:
                    raise
                wanting[0].cut()

    def _draw(self, wanting: list[Bracket]) -> tuple[Bracket, Values]:
        """A new configuration for the first bracket that wants one, else for the next bracket."""
        if not wanting and self._serial and self._open:
            raise Exhausted("waiting for the other results of this round")
        config = self._source.ask()
        bracket = wanting[0] if wanting else self._begin()
        bracket.drawn()
        return bracket, config

    def _begin(self) -> Bracket:
        s = self._widest - self._begun % (self._widest + 1)
        self._begun += 1
        bracket = Bracket.of(rounds(self._most, self._eta, s, self._widest))
        self._open.append(bracket)
        return bracket

    def _give(self, bracket: Bracket, config: Values) -> Values:
        values = {**config, BUDGET: bracket.budget}
        self._running[key(values)] = bracket
        return values

    def tell(self, values: Values, metric: float | None) -> None:
        config, budget = split(self.space, values)
        bracket = self._running.pop(key(values), None)
        loss = None
        if metric is not None and math.isfinite(metric):
            loss = -metric if self.maximize else float(metric)
        self._source.tell(config, metric)
        self.learn(config, self._most if budget is None else budget, loss)
        if bracket is not None:
            bracket.told(config, loss)
            self._open = [b for b in self._open if not b.is_over]

    def learn(self, config: Values, budget: float, loss: float | None) -> None:
        """A result; without a budget of its own it had the whole one."""


class Hyperband(Brackets):
    """Random configurations, many with a small budget, the better ones again with a greater one.

    Li et al., Hyperband, JMLR 2018, algorithm 1; NNI's page Tuner/HyperbandAdvisor. `R` is the
    greatest budget, `eta` the share 1 / `eta` that comes further. Where a bracket waits for
    results the next one begins (`parallelism`), or it is waited for (`serial`).

    The budget is the value `TRIAL_BUDGET`; a script that trains further than that is stopped.
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
        source = Random(space, seed=seed, maximize=maximize)
        super().__init__(source, most=R, least=1, eta=eta, serial=exec_mode == "serial")
