"""Rules: names of hyper-parameters, where they apply, and the domain to propose."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from annotate.suggest.around import Maker


@dataclass(frozen=True, slots=True)
class Rule:
    """Proposes a domain for values with certain names.

    `names` matches a whole name in lower case, with words joined by underscores. For keyword
    arguments, `within` matches the last name of the callee. Elsewhere, the script must import a
    library of one of the `families`. A rule with neither applies everywhere; a rule with
    only `within` applies to keyword arguments only.
    """

    subject: str
    names: re.Pattern[str]
    maker: Maker
    within: re.Pattern[str] | None = None
    families: frozenset[str] = frozenset()

    def holds(self, name: str, callee: str | None, imported: frozenset[str]) -> bool:
        if not self.names.fullmatch(name):
            return False
        if callee is not None and self.within is not None:
            return self.within.fullmatch(callee) is not None
        if self.within is None and not self.families:
            return True
        return bool(self.families & imported)


def rule(
    subject: str, names: str, maker: Maker, *, within: str = "", families: Iterable[str] = ()
) -> Rule:
    """Create a rule from regular expressions, which are mostly words separated by bars."""
    compiled = re.compile(within) if within else None
    return Rule(subject, re.compile(names), maker, compiled, frozenset(families))
