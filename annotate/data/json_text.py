"""JSON with comments, and JSON5, read by our own parser.

The libraries that read such files (json5, commentjson) drop comments and positions.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

from annotate import style
from annotate.data import escaping
from annotate.data.entry import Contents, Entry, Unreadable, check_depth
from annotate.json_value import JSON
from annotate.kinds.case import Invalid, Valid
from annotate.tree import Span

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>//[^\r\n]*|/\*.*?\*/)
  | (?P<string>"(?:[^"\\\r\n]|\\(?:\r\n|.))*"|'(?:[^'\\\r\n]|\\(?:\r\n|.))*')
  | (?P<mark>[{}\[\]:,])
  | (?P<word>[^\s{}\[\]:,"'/]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_LITERALS = {"true": True, "false": False, "null": None}
_Token = tuple[str, str, Span]
_END: _Token = ("end", "", (0, 0))


def read(text: str) -> Contents:
    """Raises Unreadable."""
    try:
        parser = _Parser(text)
        parser.whole()
    except RecursionError:
        raise Unreadable("the nesting is too deep", 0) from None
    return Contents(tuple(e for e in parser.entries if e.path), tuple(parser.comments))


def load(text: str) -> JSON:
    """The value of a valid text."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self.entries: list[Entry] = []
        self.comments: list[Span] = []
        self._tokens = self._significant()
        self._token = next(self._tokens, _END)

    def _significant(self) -> Iterator[_Token]:
        at = 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None:
                raise Unreadable("this is not valid JSON", at)
            at, kind = match.end(), str(match.lastgroup)
            if kind == "comment":
                self.comments.append(match.span())
            elif kind != "space":
                yield kind, match.group(), match.span()

    def _take(self) -> _Token:
        token, self._token = self._token, next(self._tokens, _END)
        return token

    def _expect(self, mark: str) -> _Token:
        if self._token[1] != mark or self._token[0] != "mark":
            raise Unreadable(f"expected {mark!r} here", self._place())
        return self._take()

    def _place(self) -> int:
        return len(self._text) if self._token is _END else self._token[2][0]

    def whole(self) -> JSON:
        value = self._value((), None)
        if self._token is not _END:
            raise Unreadable("unexpected text after the end of the value", self._place())
        return value

    def _value(self, path: tuple[str | int, ...], key: int | None) -> JSON:
        number, start = len(self.entries), self._place()
        check_depth(path, start)
        kind, text, (_, end) = self._take()
        value: JSON
        if kind == "mark" and text in "{[":
            value, end = self._map(path) if text == "{" else self._list(path)
        elif kind in ("string", "word"):
            value = _scalar(text, start)
        else:
            raise Unreadable("expected a value here", start)
        shape = "flow" if kind == "mark" else "scalar"
        first = start if key is None else key
        self.entries.insert(number, Entry(path, first, (start, end), shape))
        return value

    def _map(self, path: tuple[str | int, ...]) -> tuple[JSON, int]:
        items: dict[str, JSON] = {}
        while self._token[1] != "}" or self._token[0] != "mark":
            kind, text, (start, _) = self._take()
            if kind not in ("string", "word"):
                raise Unreadable("expected a key here", start)
            name = str(_scalar(text, start)) if kind == "string" else text
            self._expect(":")
            items[name] = self._value((*path, name), start)
            self._comma("}")
        return items, self._take()[2][1]

    def _list(self, path: tuple[str | int, ...]) -> tuple[JSON, int]:
        items: list[JSON] = []
        while self._token[1] != "]" or self._token[0] != "mark":
            items.append(self._value((*path, len(items)), None))
            self._comma("]")
        return items, self._take()[2][1]

    def _comma(self, closing: str) -> None:
        if self._token[0] != "mark" or self._token[1] != closing:
            self._expect(",")


def _scalar(text: str, at: int) -> JSON:
    if text in _LITERALS:
        return _LITERALS[text]
    try:
        return json.loads(text, strict=False)
    except ValueError:
        pass
    try:  # JSON5's extensions are valid Python: 'text', 0xff, .5, 5., +1
        value = ast.literal_eval(text.lstrip("+"))
    except (ValueError, SyntaxError):
        if re.fullmatch(r"[-+]?(Infinity|NaN)", text):
            return text
        raise Unreadable("this is not a valid JSON value", at) from None
    return value


def write(value: JSON, like: str) -> str:
    """A literal on one line, in the style of the literal `like`."""
    if isinstance(value, str):
        if like[:1] == "'" and value.isprintable() and not set(value) & set("'\\"):
            return f"'{value}'"
        return escaping.double(value)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return style.number(value, like)
    if isinstance(value, dict):
        pairs = (f"{escaping.double(key)}: {write(item, '')}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    return f"[{', '.join(write(item, '') for item in value)}]"


VALID = [
    Valid(
        "after the value and its comma",
        '{\n  "lr": 0.1, // @nni.loguniform(1e-4, 1) // the usual range\n  "n": 3\n}\n',
        {"lr/loguniform": [1e-4, 1]},
    ),
    Valid(
        "in a comment line above it",
        '{\n  // @nni.variable(nni.choice("a // b", null))\n  "x": null\n}\n',
        {"x/choice": ["a // b", None]},
    ),
    Valid(
        "in lists and maps",
        '{"a": 1, "b": [\n  {"lr": 2}, // @nni.randint(0, 9)\n  3 // @nni.randint(0, 5)\n]}',
        {"b.0.lr/randint": [0, 9], "b.1/randint": [0, 5]},
    ),
    Valid(
        "JSON5 syntax",
        "{lr: .5, // @nni.uniform(0, 1)\n name: 'a', // @nni.choice('a', \"b\")\n}\n",
        {"lr/uniform": [0, 1], "name/choice": ["a", "b"]},
    ),
    Valid(
        "text that only looks like an annotation",
        '{"a": "// @nni.choice(1)", "b": "/* @nni.x */"}\n',
    ),
]

INVALID = [
    Invalid(
        "a block comment",
        '{"a": 1 /* @nni.choice(1, 2) */}\n',
        "D107",
        "/* @nni.choice(1, 2) */",
    ),
    Invalid("not valid JSON", '{"a": 1 "b": 2} // @nni.choice(1, 2)\n', "A102", '"'),
    Invalid(
        "a repeated key, the first one annotated",
        '{"a": 1, // @nni.choice(1, 2)\n "a": 2}\n',
        "D108",
        "1",
    ),
    Invalid(
        "two values on one line", '{"a": 1, "b": 2} // @nni.uniform(0, 1)\n', "A407", "uniform"
    ),
]
