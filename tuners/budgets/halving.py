"""Successive halving: the better configurations of each round continue in the next."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from annotate.space import Values


@dataclass(frozen=True, slots=True)
class Round:
    """How many configurations are tried, and with what budget."""

    count: int
    budget: int


def rounds(most: float, eta: int, halvings: int, widest: int) -> list[Round]:
    """The rounds of a bracket with `halvings` halvings; the widest bracket has `widest`.

    Li et al., Hyperband, JMLR 2018, algorithm 1, lines 3 and 5 to 6: n = ceil((s_max + 1) /
    (s + 1) eta^s) configurations with the budget R eta^-s, then a share 1 / eta of them with
    `eta` times the budget. Budgets are whole numbers.
    """
    slack = 1e-9  # for rounding errors
    first = math.ceil((widest + 1) / (halvings + 1) * eta**halvings - slack)
    return [
        Round(
            max(1, math.floor(first / eta**i + slack)),
            max(1, math.floor(most / eta ** (halvings - i) + slack)),
        )
        for i in range(halvings + 1)
    ]


def halvings(most: float, least: float, eta: int) -> int:
    """How often `most` can be divided by `eta` without falling below `least`."""
    return max(0, math.floor(math.log(most / least) / math.log(eta) + 1e-9))


def budgets(most: float, least: float, eta: int) -> list[int]:
    """The budgets of all rounds of all brackets."""
    widest = halvings(most, least, eta)
    every = [rounds(most, eta, s, widest) for s in range(widest + 1)]
    return [each.budget for bracket in every for each in bracket]


@dataclass(slots=True)
class Bracket:
    """An open bracket. `undrawn` configurations of its first round are not drawn yet."""

    rounds: list[Round]
    undrawn: int
    number: int = 0  # of the round
    running: int = 0
    promoted: deque[Values] = field(default_factory=deque)
    results: list[tuple[float, Values]] = field(default_factory=list)

    @classmethod
    def of(cls, rounds: list[Round]) -> Bracket:
        return cls(rounds, rounds[0].count)

    @property
    def budget(self) -> int:
        return self.rounds[self.number].budget

    @property
    def is_over(self) -> bool:
        return not (self.undrawn or self.running or self.promoted)

    def add_drawn(self) -> None:
        """Another configuration runs in the first round."""
        self.undrawn -= 1
        self.running += 1

    def end_drawing(self) -> None:
        """Complete the first round early because no configurations are left to draw."""
        self.undrawn = 0
        self._advance()

    def take_promoted(self) -> Values:
        """Take a configuration that has been promoted to this round; it runs now."""
        self.running += 1
        return self.promoted.popleft()

    def tell(self, config: Values, loss: float | None) -> None:
        """Add a result of this round; a configuration that failed is not promoted."""
        self.running -= 1
        if loss is not None:
            self.results.append((loss, config))
        self._advance()

    def _advance(self) -> None:
        if not self.is_over or self.number + 1 == len(self.rounds) or not self.results:
            return
        self.number += 1
        best = sorted(self.results, key=lambda result: result[0])
        self.promoted.extend(config for _, config in best[: self.rounds[self.number].count])
        self.results = []
