"""Successive halving: a round of configurations, of which the better ones come to the next."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from annotate.space import Values


@dataclass(frozen=True, slots=True)
class Round:
    """How many configurations are tried with what budget."""

    count: int
    budget: int


def rounds(most: float, eta: int, halvings: int, widest: int) -> list[Round]:
    """The rounds of the bracket with so many halvings, where the widest bracket has `widest`.

    Li et al., Hyperband, JMLR 2018, algorithm 1, lines 3 and 5 to 6: n = ceil((s_max + 1) /
    (s + 1) eta^s) configurations with the budget R eta^-s, then a share 1 / eta of them with
    `eta` times the budget. Budgets are whole.
    """
    dust = 1e-9
    first = math.ceil((widest + 1) / (halvings + 1) * eta**halvings - dust)
    return [
        Round(
            max(1, math.floor(first / eta**i + dust)),
            max(1, math.floor(most / eta ** (halvings - i) + dust)),
        )
        for i in range(halvings + 1)
    ]


def halvings(most: float, least: float, eta: int) -> int:
    """How often `most` can be divided by `eta` without coming below `least`."""
    return max(0, math.floor(math.log(most / least) / math.log(eta) + 1e-9))


@dataclass(slots=True)
class Bracket:
    """A bracket under way. `wanted` configurations of its first round are not drawn yet."""

    rounds: list[Round]
    wanted: int
    number: int = 0  # of the round
    running: int = 0
    promoted: deque[Values] = field(default_factory=deque)
    results: list[tuple[float, Values]] = field(default_factory=list)

    @classmethod
    def of(cls, its_rounds: list[Round]) -> Bracket:
        return cls(its_rounds, its_rounds[0].count)

    @property
    def budget(self) -> int:
        return self.rounds[self.number].budget

    @property
    def is_over(self) -> bool:
        return not (self.wanted or self.running or self.promoted)

    def drawn(self) -> None:
        """One configuration more runs in the first round."""
        self.wanted -= 1
        self.running += 1

    def cut(self) -> None:
        """No configuration is left to draw: the first round is what it is."""
        self.wanted = 0
        self._go_on()

    def promote(self) -> Values:
        """A configuration that has come to this round, which runs now."""
        self.running += 1
        return self.promoted.popleft()

    def told(self, config: Values, loss: float | None) -> None:
        """A result of this round; one that failed comes no further."""
        self.running -= 1
        if loss is not None:
            self.results.append((loss, config))
        self._go_on()

    def _go_on(self) -> None:
        if not self.is_over or self.number + 1 == len(self.rounds) or not self.results:
            return
        self.number += 1
        best = sorted(self.results, key=lambda result: result[0])
        self.promoted.extend(config for _, config in best[: self.rounds[self.number].count])
        self.results = []
