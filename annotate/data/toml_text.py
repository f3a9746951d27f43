"""TOML: tomlkit validates a file, and our own small lexer finds the positions.

tomlkit reproduces a file byte for byte but has no positions, which mistakes need.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

from annotate import style
from annotate.data import escaping
from annotate.data.entry import Contents, Entry, Repeated, Unreadable, check_depth
from annotate.json_value import JSON
from annotate.kinds.case import Invalid, Valid
from annotate.tree import Span

_BLANK = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"#[^\r\n]*")
_TEXT = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")|\'\'\'.*?\'{3,5}(?!\')|"(?:[^"\\\r\n]|\\.)*"|\'[^\'\r\n]*\'',
    re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d)?)?"
    r"|\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
)
_OTHER = re.compile(r"[^\s,\]}#]+")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_Path = tuple[str | int, ...]


def read(text: str) -> Contents:
    """Raises Unreadable."""
    try:
        tomlkit.parse(text)
    except ParseError as error:
        _find_repeated(text)
        starts = [0, *(m.end() for m in re.finditer(r"\n", text))]
        reason = re.sub(r" at line \d+ col \d+", "", str(error))
        raise Unreadable(reason, starts[min(error.line, len(starts)) - 1] + error.col) from None
    except (TOMLKitError, ValueError, RecursionError) as error:
        _find_repeated(text)
        raise Unreadable(str(error) or type(error).__name__, 0) from None
    reader = _Reader(text)
    reader.read()
    return Contents(tuple(reader.entries), tuple(reader.comments))


def _find_repeated(text: str) -> None:
    """Raise Repeated if the text is invalid because it repeats a key or a table."""
    reader = _Reader(text)
    with suppress(Unreadable, RecursionError):
        reader.read()
    first: dict[_Path, int] = {}
    named = [(entry.path, entry.start) for entry in reader.entries if entry.keyed]
    for path, start in sorted([*named, *reader.tables], key=lambda item: item[1]):
        if path in first:
            raise Repeated(".".join(map(str, path)), first[path], start)
        first[path] = start


class _Reader:
    """Reads the entries and comments of a valid text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._tables: Counter[_Path] = Counter()
        self.entries: list[Entry] = []
        self.tables: list[tuple[_Path, int]] = []  # those of [headers], with their positions
        self.comments: list[Span] = []

    def read(self) -> None:
        table: _Path = ()
        while self._skip() < len(self._text):
            if self._next("["):
                array = self._next("[")
                start = self._at
                table = self._table(self._key(), array=array)
                if not array:
                    self.tables.append((table, start))
                self._skip_past("]]" if array else "]")
            else:
                self._pair(table)

    def _skip(self) -> int:
        """Skip white space and comments."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            comment = _COMMENT.match(self._text, self._at)
            if comment is None:
                return self._at
            self.comments.append(comment.span())
            self._at = comment.end()

    def _next(self, mark: str) -> bool:
        there = self._text.startswith(mark, self._at)
        self._at += len(mark) * there
        return there

    def _skip_past(self, mark: str) -> None:
        self._skip()
        if not self._next(mark):
            raise Unreadable(f"expected {mark!r} here", self._at)

    def _take(self, *patterns: re.Pattern[str]) -> Span:
        for pattern in patterns:
            if match := pattern.match(self._text, self._at):
                self._at = match.end()
                return match.span()
        raise Unreadable("this is not valid TOML", self._at)

    def _key(self) -> tuple[str, ...]:
        """The parts of a key, up to what follows it."""
        words: list[str] = []
        while not words or self._next("."):
            self._skip()
            start, end = self._take(_TEXT, _BARE)
            word = self._text[start:end]
            words.append(str(load(word)) if word[0] in "\"'" else word)
            self._skip()
        return tuple(words)

    def _table(self, key: tuple[str, ...], *, array: bool) -> _Path:
        """The path of a table header; an array of tables on the way means its last item."""
        path: _Path = ()
        for word in key[:-1]:
            path = self._last((*path, word))
        path = (*path, key[-1])
        if array:
            self._tables[path] += 1
        return self._last(path)

    def _last(self, path: _Path) -> _Path:
        count = self._tables[path]
        return (*path, count - 1) if count else path

    def _pair(self, above: _Path) -> None:
        start = self._at
        path = (*above, *self._key())
        self._skip_past("=")
        self._skip()
        self._value(path, start)

    def _value(self, path: _Path, start: int) -> None:
        first, number = self._at, len(self.entries)
        check_depth(path, first)
        kind = "flow"
        if self._next("["):
            self._items(path)
        elif self._next("{"):
            while self._skip() < len(self._text) and not self._next("}"):
                self._pair(path)
                self._skip()
                self._next(",")
        else:
            kind = "scalar"
            self._take(_TEXT, _DATE, _OTHER)
        self.entries.insert(number, Entry(path, start, (first, self._at), kind))

    def _items(self, path: _Path) -> None:
        number = 0
        while self._skip() < len(self._text) and not self._next("]"):
            self._value((*path, number), self._at)
            number += 1
            self._skip()
            self._next(",")


def load(text: str) -> JSON:
    """The value of a literal; for a date, its text."""
    return _plain(tomlkit.parse(f"x = {text}").unwrap()["x"], text)


def _plain(value: JSON, text: str) -> JSON:
    if isinstance(value, dict):
        return {key: _plain(item, str(item)) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, str(item)) for item in value]
    return value if isinstance(value, (bool, int, float, str)) else text


def write(value: JSON, like: str) -> str:
    """A literal on one line, in the style of the literal `like`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return style.number(value, like)
    if isinstance(value, str):
        return _string(value, like)
    if isinstance(value, dict):
        pairs = (f"{_written_key(key)} = {write(item, '')}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    return f"[{', '.join(write(item, '') for item in value)}]"


def _written_key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else escaping.double(key)


def _string(value: str, like: str) -> str:
    if _DATE.fullmatch(value) and _DATE.fullmatch(like):
        return value
    if like[:1] == "'" and "'" not in value and value.isprintable():
        return f"'{value}'"
    return escaping.double(value)


VALID = [
    Valid(
        "after the value",
        "[optimizer]\nlr = 1e-3  # @nni.loguniform(1e-4, 1)\n",
        {"optimizer.lr/loguniform": [1e-4, 1]},
    ),
    Valid(
        "in tables, arrays of tables and inline tables",
        "[a]\nlr = 0.1  # @nni.uniform(0, 1)\n[[b]]\nlr = 0.2\n[[b]]\n"
        "x = {lr = 0.3}  # @nni.variable(nni.uniform(0, 3), name=lr)\n",
        {"a.lr/uniform": [0, 1], "b.1.x.lr/uniform": [0, 3]},
    ),
    Valid(
        "dotted and quoted keys",
        "a.'b c' = 1  # @nni.randint(0, 9)\n'd.e' = true  # @nni.choice(true, false)\n",
        {"a.b c/randint": [0, 9], '"d.e"/choice': [True, False]},
    ),
    Valid(
        "an array that spans lines, and an item of another array",
        "x = [\n  1,\n  2,\n]  # @nni.choice([1, 2], [3])\ny = [\n  1,  # @nni.randint(0, 9)\n]\n",
        {"x/choice": ["[1, 2]", "[3]"], "y.0/randint": [0, 9]},
    ),
    Valid(
        "text that only looks like an annotation",
        'a = """\n# @nni.choice(1)\n"""\nb = "# @nni.x"\n',
    ),
]

INVALID = [
    Invalid("null, which TOML lacks", "a = 1  # @nni.choice(1, null)\n", "D106", "null"),
    Invalid("a table's header", "[a]  # @nni.choice(1, 2)\nb = 1\n", "A402", "choice"),
    Invalid("a repeated key", "a = 1  # @nni.choice(1, 2)\na = 2\n", "D108", "a"),
    Invalid("a repeated table", "[a]\nb = 1  # @nni.choice(1, 2)\n[a]\nc = 2\n", "D108", "a"),
    Invalid("not valid TOML", "a = 1 2  # @nni.choice(1, 2)\n", "A102", ""),
]
