"""A rule: names that mean a hyper-parameter, where they mean it, and the domain to propose."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from annotate.suggest.around import Maker


@dataclass(frozen=True, slots=True)
class Rule:
    """`names` matches a whole name in lower case, its words joined by underscores.

    `within` matches the last name of what is called, for keyword arguments; `given` is the
    families of libraries of which the script imports one, for all other places. A rule with
    neither holds everywhere; one with `within` alone for keyword arguments only.
    """

    what: str
    names: re.Pattern[str]
    maker: Maker
    within: re.Pattern[str] | None = None
    given: frozenset[str] = frozenset()

    def holds(self, name: str, callee: str | None, families: frozenset[str]) -> bool:
        if not self.names.fullmatch(name):
            return False
        if callee is not None and self.within is not None:
            return self.within.fullmatch(callee) is not None
        if self.within is None and not self.given:
            return True
        return bool(self.given & families)


def rule(
    what: str, names: str, maker: Maker, *, within: str = "", given: Iterable[str] = ()
) -> Rule:
    """A row of a table: patterns are words between bars, as regular expressions have them."""
    compiled = re.compile(within) if within else None
    return Rule(what, re.compile(names), maker, compiled, frozenset(given))
