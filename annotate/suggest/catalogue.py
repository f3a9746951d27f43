"""All rules in the order of their importance."""

from __future__ import annotations

from collections.abc import Iterator

from annotate.suggest import choices, estimators, rates, shares, sizes
from annotate.suggest.rule import Rule

RULES: tuple[Rule, ...] = (
    *rates.RULES,
    *estimators.RULES,
    *shares.RULES,
    *sizes.RULES,
    *choices.TEXTS,
    *choices.SWITCHES,
)


def holding(name: str, callee: str | None, families: frozenset[str]) -> Iterator[tuple[int, Rule]]:
    """The rules that hold for a name, each with its rank."""
    for rank, rule in enumerate(RULES):
        if rule.holds(name, callee, families):
            yield rank, rule
