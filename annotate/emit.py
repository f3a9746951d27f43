"""The expressions inserted into expanded code.

They bind no names and create no functions, so they work in any scope: in a class body, with
`await` and `yield`, and in a comprehension.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from annotate.json_value import JSON

_PLAIN = '__import__("nni")'

# If a file redefines `__import__`, this expression still reaches the import system's own.
_ROUNDABOUT = (
    "[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == "
    '"ModuleSpec"][0].__init__.__globals__["__import__"]("nni")'
)
_OTHER_USE = re.compile(r"(?<![\w.])__import__(?!\w)(?!\s*\(\s*[rub]*[\"'])|def\s+__import__")


class Unquotable(Exception):
    """A literal that cannot be written inside the f-string."""


@dataclass(frozen=True, slots=True)
class Emitter:
    """Writes calls to the trial's `nni`.

    `quote` is the quote for strings. `around` are the delimiters of the enclosing f-strings;
    before Python 3.12, neither their quotes nor a backslash may occur inside. `letters` are the
    non-ASCII characters that the file's encoding is known to support.
    """

    nni: str
    quote: str = '"'
    around: str = ""
    letters: frozenset[str] = frozenset()

    @classmethod
    def for_text(cls, text: str) -> Emitter:
        letters = () if text.isascii() else (c for c in set(text) if c.isprintable())
        nni = _ROUNDABOUT if _OTHER_USE.search(text) else _PLAIN
        return cls(nni, letters=frozenset(letters))

    def inside(self, delimiters: str, code: str) -> Emitter:
        """An emitter for use inside f-strings, around `code`; raises Unquotable."""
        if not delimiters or _uses_delimiters(code, delimiters):
            return self  # the file needs Python 3.12, whose f-strings may contain anything
        free = [quote for quote in "\"'" if quote not in delimiters]
        if not free:
            raise Unquotable
        return replace(self, nni=self.nni.replace('"', free[0]), quote=free[0], around=delimiters)

    def code(self, text: str) -> str:
        """The user's code, unchanged; raises Unquotable if the f-string cannot hold it."""
        if _uses_delimiters(text, self.around):
            raise Unquotable
        return text

    def literal(self, value: JSON) -> str:
        """A Python literal in ASCII; raises Unquotable if the f-string cannot hold it."""
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, dict):
            pairs = (f"{self.literal(k)}: {self.literal(v)}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
        return ascii(value)

    def _string(self, value: str) -> str:
        if not self.around:
            return '"' + _escaped(value).replace('"', '\\"') + '"'
        body = "".join(c if c in self.letters else _escaped(c) for c in value)
        quote = self.quote * 3 if self.quote in body else self.quote
        if _uses_delimiters(body, self.around) or body.endswith(self.quote):
            raise Unquotable
        return f"{quote}{body}{quote}"

    def call(self, function: str, *arguments: str) -> str:
        return f"{self.nni}.{function}({', '.join(arguments)})"

    def value(self, key: str, path: tuple[str, ...] = ()) -> str:
        return self.call("value", *map(self.literal, (key, *path)))

    def given(self, key: str) -> str:
        return self.call("given", self.literal(key))

    def chosen(self, key: str, option: JSON, path: tuple[str, ...] = ()) -> str:
        return self.call("chosen", *map(self.literal, (key, option, *path)))


def _escaped(text: str) -> str:
    """Escape the text to ASCII, but leave both kinds of quotes unescaped."""
    # With both quotes in the text ascii() always escapes the single one.
    body = ascii(f"{text}'\"")[1:-4]
    return re.sub(r"\\(.)", lambda match: "'" if match[1] == "'" else match[0], body)


def _uses_delimiters(text: str, delimiters: str) -> bool:
    return bool(delimiters) and any(c in text for c in {*delimiters, "\\"})
