"""Trials with a budget: reads it from their values, and stops those that train beyond it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from annotate.errors import SpaceError
from annotate.parameter import Parameter
from annotate.space import SearchSpace, Values
from tuners.base import Assessor, TunerError, Verdict

#: NNI's key for a trial's budget, beside its parameters.
BUDGET = "TRIAL_BUDGET"


@dataclass(frozen=True, slots=True)
class Budgeted:
    """A search space whose trials have budgets.

    `named` are the parameters called TRIAL_BUDGET, by which an annotated script receives its
    budget. `space` has all others, which are tuned.
    """

    space: SearchSpace
    named: tuple[Parameter, ...]

    @classmethod
    def of(cls, space: SearchSpace, budgets: Iterable[int]) -> Budgeted:
        """Raises TunerError if a parameter called TRIAL_BUDGET cannot have all the budgets."""
        named = tuple(p for p in space if p.name == BUDGET)
        for parameter in named:
            _check(parameter, sorted(set(budgets)))
        return cls(SearchSpace(tuple(p for p in space if p not in named)), named)

    def values(self, config: Values, budget: int) -> Values:
        """The values of a trial that has the other parameters' values `config`."""
        received = {p.key: p.domain.locate(budget) for p in self.named}
        return {**config, **received, BUDGET: budget}

    def split(self, values: Values) -> tuple[Values, float | None]:
        """The other parameters, as the space writes them, and the budget, if there is one.

        Raises SpaceError for parameters outside the space.
        """
        keys = (BUDGET, *(p.key for p in self.named))
        own = {key: value for key, value in values.items() if key not in keys}
        return self.space.locate(own), next((values[key] for key in keys if key in values), None)


def _check(parameter: Parameter, budgets: list[int]) -> None:
    try:
        for budget in budgets:
            parameter.domain.locate(budget)
    except SpaceError:
        listed = ", ".join(map(str, budgets))
        raise TunerError(
            f"{BUDGET} is {parameter.domain}, but its values are the budgets: {listed}",
            hint=f"for example, randint({budgets[0]}, {budgets[-1] + 1}) has them all",
        ) from None


def is_budget(key: str) -> bool:
    """Whether a key is that of a trial's budget, or of a parameter called TRIAL_BUDGET."""
    return key == BUDGET or key.split("/")[1:-1] == [BUDGET]


def key(values: Values) -> str:
    """A text that is equal for equal values."""
    return json.dumps(values, sort_keys=True)


class BudgetEnd(Assessor):
    """Stops a trial that trains beyond its budget; one intermediate result is one unit.

    A script that reads `TRIAL_BUDGET` ends by itself and is never stopped, nor are its later
    trials. One whose code names it gets the chance to read it until a trial has ended without.

    The first trial of another script that goes beyond its budget shows that the script keeps
    training; later trials are then stopped exactly at their budget. A trial with the full budget
    `most` ends by itself.
    """

    def __init__(self, most: float, *, maximize: bool = False) -> None:
        super().__init__(maximize=maximize)
        self._most = most
        self._budgets: dict[int, float] = {}
        self._reads = False  # a trial has read its budget
        self._goes_beyond = False

    def started(self, trial: int, values: Values) -> None:
        self._budgets[trial] = values.get(BUDGET, self._most)

    def read_budget(self, trial: int) -> None:
        self._reads = True

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        budget = self._budgets.get(trial, self._most)
        if budget >= self._most or self._reads or self.may_read_budget:
            return Verdict.KEEP
        self._goes_beyond = self._goes_beyond or len(curve) > budget
        end = budget if self._goes_beyond else budget + 1
        return Verdict.STOP if len(curve) >= end else Verdict.KEEP

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        if self._reads or trial not in self._budgets:
            return
        budget = self._budgets[trial]
        if curve:
            self.may_read_budget = False  # it trained without reading its budget
        if budget < min(len(curve), self._most):
            self._goes_beyond = True
