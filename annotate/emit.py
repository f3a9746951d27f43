"""The expressions that expanded code is made of.

They are plain expressions in the scope where they stand: no name is bound and no function made,
so that they are right in a class body, beside `await` and `yield`, and in a comprehension.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from annotate.domains import JSON

_PLAIN = '__import__("nni")'

# A file that gives `__import__` a meaning of its own leaves this way to the import system's own.
_ROUNDABOUT = (
    "[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == "
    '"ModuleSpec"][0].__init__.__globals__["__import__"]("nni")'
)
_OTHER_USE = re.compile(r"(?<![\w.])__import__(?!\w)(?!\s*\(\s*[rub]*[\"'])|def\s+__import__")


class Unquotable(Exception):
    """A literal that cannot be written inside the f-string."""


@dataclass(frozen=True, slots=True)
class Emitter:
    """Writes calls of the trial's `nni`. `quote` is the one that strings may use."""

    nni: str
    quote: str = '"'
    in_string: bool = False

    @classmethod
    def for_text(cls, text: str) -> Emitter:
        return cls(_ROUNDABOUT if _OTHER_USE.search(text) else _PLAIN)

    def inside(self, delimiters: str) -> Emitter:
        """The same inside an f-string with these delimiters; raises Unquotable."""
        free = [quote for quote in "\"'" if quote not in delimiters]
        if not free:
            raise Unquotable
        return Emitter(self.nni.replace('"', free[0]), free[0], True)

    def literal(self, value: JSON) -> str:
        """A Python literal in ASCII."""
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, dict):
            pairs = (f"{self.literal(k)}: {self.literal(v)}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
        return ascii(value)

    def _string(self, value: str) -> str:
        body = ascii(value + '"')[1:-2]  # the quote makes ascii() use the other one
        body = body.replace("\\'", "'") if self.quote == '"' else body
        if self.quote == '"':
            body = re.sub(r'(?<!\\)((?:\\\\)*)"', r'\1\\"', body)
        if self.in_string and ("\\" in body or self.quote in body):
            raise Unquotable
        return f"{self.quote}{body}{self.quote}"

    def call(self, function: str, *arguments: str) -> str:
        return f"{self.nni}.{function}({', '.join(arguments)})"

    def value(self, key: str, path: tuple[str, ...] = ()) -> str:
        return self.call("value", *map(self.literal, (key, *path)))

    def given(self, key: str) -> str:
        return self.call("given", self.literal(key))

    def chosen(self, key: str, option: JSON, path: tuple[str, ...] = ()) -> str:
        return self.call("chosen", *map(self.literal, (key, option, *path)))
