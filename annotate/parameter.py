"""Parameter: one dimension of a search space."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from annotate.data.form import is_data
from annotate.domains.domain import Domain

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^.]+')


@dataclass(frozen=True, slots=True)
class Parameter:
    """One dimension: its full key in the search space, and its domain.

    `alias` is what the script calls the value if the key has another name: `scaler` for a
    function_choice over the call in `scaler = MinMaxScaler()`. It is "" otherwise.
    """

    key: str
    domain: Domain
    alias: str = field(default="", compare=False)

    @property
    def parts(self) -> tuple[str, str, str] | None:
        """`(module, name, kind)` of a key `module/name/kind`; None for a key written by hand."""
        module, _, rest = self.key.partition("/")
        name, _, kind = rest.rpartition("/")
        known = kind == self.domain.type or kind == "function_choice"
        return (module, name, kind) if module and name and known else None

    @property
    def name(self) -> str:
        """The short name, for users."""
        return self.alias or (self.parts[1] if self.parts else self.key)

    @property
    def aliases(self) -> list[str]:
        """Further names, which count only where no parameter has them as one of its `names`."""
        return [self.alias, f"{self.parts[0]}/{self.alias}"] if self.alias and self.parts else []

    @property
    def names(self) -> list[str]:
        """The names by its key, from the shortest to the full key."""
        if self.parts is None:
            return [self.key]
        module, name, _ = self.parts
        short = dotted_ends(name) if is_data(module) else [name]
        return [*short, f"{module}/{name}", self.key]


def dotted_ends(name: str) -> list[str]:
    """The ends of a dotted path, shortest first: `lr`, `optimizer.lr`.

    An end never starts with the number of a list item; it includes the name of the list.
    """
    words = _WORD.findall(name)
    starts = [n for n, word in enumerate(words) if n == 0 or not word.isdecimal()]
    return [".".join(words[n:]) for n in reversed(starts)]
