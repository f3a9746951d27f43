"""YAML: positions from ruamel.yaml's events, and literals that every parser reads alike.

PyYAML and OmegaConf follow YAML 1.1, ruamel.yaml follows 1.2. Literals written here mean the same
in both: floats have a point and a signed exponent, and strings are quoted if ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from annotate import limits, style
from annotate.data import escaping
from annotate.data.entry import Contents, Entry, Unreadable, check_depth
from annotate.errors import AnnotateError
from annotate.json_value import JSON
from annotate.kinds.case import Invalid, Valid
from annotate.tree import Span

_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+)*")
_COMMENT = re.compile(r"(?:(?<=\s)|\A)#[^\r\n]*")
#: Strings that need no quotes in any YAML version and context.
_PLAIN = re.compile(r"[A-Za-z_][\w/-]*(?:\.[\w/-]+)*(?: [A-Za-z_][\w/-]*)*", re.ASCII)
_SWITCHES = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
_WORDS = frozenset(["y", "n", "null", "none", "nan", "inf", *_SWITCHES])
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?(?:(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d\S*)?")
_BLOCK = ("|", ">")


def read(text: str) -> Contents:
    """Raises Unreadable."""
    try:
        reader = _Reader(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context or "no YAML"
        raise Unreadable(str(reason), mark.index if mark else 0) from None
    except (YAMLError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise Unreadable(reason, getattr(error, "position", 0)) from None
    entries = reader.entries
    if reader.documents < 2:
        entries = [Entry(e.path[1:], e.start, e.span, e.kind) for e in entries]
    return Contents(tuple(e for e in entries if e.path), tuple(_comments(text, reader.scalars)))


class _Reader:
    """Reads entries from the events of a text; paths begin with the document's number."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events = YAML(typ="safe", pure=True).parse(text)
        self.entries: list[Entry] = []
        self.scalars: list[Span] = []
        self.documents = 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                self.documents += 1
                self._value(next(self._events), (self.documents - 1,), None)

    def _value(self, event: Any, path: tuple[str | int, ...], key: int | None) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        check_depth(path, start)
        first = start if key is None else key
        properties = _PROPERTIES.match(self._text, start)
        if not isinstance(event, AliasEvent) and properties:
            start = properties.end()
        if isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            number = len(self.entries)
            end = self._items(event, path)
            kind = "flow" if event.flow_style else "block"
            self.entries.insert(number, Entry(path, first, (start, end), kind))
            return
        if isinstance(event, AliasEvent):
            kind = "alias"
        elif event.style in _BLOCK:
            kind = "block"
            header = self._text.find("\n", start)
            self.scalars.append((end if header < 0 else header, end))
        else:
            kind = "scalar"
            self.scalars.append((start, end))
            if end == start:  # its position is the next token's
                kind, start, end = "empty", first, first
        self.entries.append(Entry(path, first, (start, end), kind))

    def _items(self, opening: Any, path: tuple[str | int, ...]) -> int:
        """Read the items of a list or map, and return the end offset."""
        number = 0
        for event in self._events:
            if isinstance(event, (MappingEndEvent, SequenceEndEvent)):
                return int(event.end_mark.index)
            if isinstance(opening, SequenceStartEvent):
                self._value(event, (*path, number), None)
                number += 1
            else:
                self._pair(event, path)
        raise AssertionError("ruamel.yaml closes what it opens")

    def _pair(self, key: Any, path: tuple[str | int, ...]) -> None:
        if not isinstance(key, ScalarEvent):  # the key is a list or an alias
            known = len(self.entries)
            self._value(key, (*path, "?"), None)
            del self.entries[known:]
            self._value(next(self._events), (*path, "?"), key.start_mark.index)
            return
        self.scalars.append((key.start_mark.index, key.end_mark.index))
        self._value(next(self._events), (*path, key.value), key.start_mark.index)


def _comments(text: str, scalars: list[Span]) -> Iterator[Span]:
    """The comments: every `#` outside scalars, where it would be text."""
    done = 0
    for start, end in [*sorted(scalars), (len(text), len(text))]:
        place = done
        while (match := _COMMENT.search(text, place, start)) is not None:
            yield match.span()
            place = match.end()
        done = max(done, end)


def load(text: str) -> JSON:
    """The value of a scalar, or of a list or map in brackets; for a date, its text."""
    try:
        value = YAML(typ="safe", pure=True).load(text)
        limits.check(value, text[:40])
    except (YAMLError, ValueError, RecursionError, AnnotateError):
        return text  # it refers to an anchor or tag defined elsewhere, or is beyond a limit
    return _plain(value, text)


def _plain(value: Any, text: str) -> JSON:
    if isinstance(value, dict):
        return {str(key): _plain(item, str(item)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, str(item)) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return text


def boolean(text: str) -> bool | None:
    """The value of `yes` and similar words in YAML 1.1; None for other words."""
    return _SWITCHES.get(text.lower())


def write(value: JSON, like: str) -> str:
    """A literal on one line, in the style of the literal `like`."""
    if isinstance(value, bool):
        return _boolean(value, like)
    if value is None:
        return "~" if like == "~" else "null"
    if isinstance(value, (int, float)):
        return _number(value, like)
    if isinstance(value, str):
        return _string(value, like)
    if isinstance(value, dict):
        pairs = (f"{_string(key, '')}: {write(item, '')}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    return f"[{', '.join(write(item, '') for item in value)}]"


def _boolean(value: bool, like: str) -> str:
    # `yes` and similar words are strings in YAML 1.2, so only true and false are written.
    word = "true" if value else "false"
    if like in ("TRUE", "FALSE"):
        return word.upper()
    return word.capitalize() if like in ("True", "False") else word


def _number(value: int | float, like: str) -> str:
    # Some parsers do not accept 0o7, 0b1 and 1_000, and 1e-3 is a string to PyYAML.
    like = "" if re.match(r"[-+]?0[oObB]", like) else like.replace("_", "")
    text = style.number(value, like)
    if not isinstance(value, float):
        return text
    mantissa, exponent, power = text.partition("e") if "e" in text else text.partition("E")
    if "." not in mantissa:
        mantissa += ".0"
    return mantissa + exponent + (power if not exponent or power[0] in "+-" else f"+{power}")


def _string(value: str, like: str) -> str:
    if _DATE.fullmatch(value) and _DATE.fullmatch(like):
        return value
    quoted = like[:1] in ("'", '"')
    if not quoted and _PLAIN.fullmatch(value) and not _WORDS & set(value.lower().split()):
        return value
    if like[:1] != '"' and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return escaping.double(value)


VALID = [
    Valid(
        "after the value, named by its key",
        "optimizer:\n  lr: 1e-3  # @nni.loguniform(1e-4, 1)  # the usual range\n",
        {"optimizer.lr/loguniform": [1e-4, 1]},
    ),
    Valid(
        "in a comment line above it",
        "# @nni.variable(nni.choice('adam', 'sgd'))\noptimizer: adam\n",
        {"optimizer/choice": ["adam", "sgd"]},
    ),
    Valid(
        "named by the full path",
        "optimizer: {lr: 0.1}  # @nni.uniform(0, 1)\n"
        "heads:\n- lr: 0.2  # @nni.uniform(0, 2)\n- lr: 0.3\n",
        {"optimizer.lr/uniform": [0, 1], "heads.0.lr/uniform": [0, 2]},
    ),
    Valid(
        "a value with an anchor changes wherever it is used",
        "base: &rate 0.1  # @nni.uniform(0, 1)\nhead: *rate\n",
        {"base/uniform": [0, 1]},
    ),
    Valid(
        "name= selects one of several values on a line",
        "- {lr: 0.1, momentum: 0.9}  # @nni.variable(nni.uniform(0, 1), name=momentum)\n",
        {"0.momentum/uniform": [0, 1]},
    ),
    Valid(
        "lists, and options of any type",
        "layers: [64, 64]  # @nni.choice([64, 64], [128])\n"
        "nested: no  # @nni.choice(true, false, null)\n",
        {"layers/choice": ["[64, 64]", "[128]"], "nested/choice": [True, False, None]},
    ),
    Valid(
        "an item of a list",
        "rates:\n  - 0.1  # @nni.uniform(0, 1)\n  - 0.2\n",
        {"rates.0/uniform": [0, 1]},
    ),
    Valid(
        "several documents are numbered",
        "lr: 0.1  # @nni.uniform(0, 1)\n---\nlr: 0.1\n",
        {"0.lr/uniform": [0, 1]},
    ),
    Valid(
        "the last value of a repeated key, and merges",
        "a: 1\na: 2  # @nni.choice(1, 2)\nb: {<<: {c: 0.1}, <<: {d: 1}}\n",
        {"a/choice": [1, 2]},
    ),
    Valid(
        "text that only looks like an annotation",
        "a: 'x  # @nni.choice(1, 2)'\nb: |\n  # @nni.choice(1)\n",
    ),
    Valid(
        "a value on a line of its own",
        "lr:\n  # @nni.variable(nni.uniform(0, 1))\n  0.1\n",
        {"lr/uniform": [0, 1]},
    ),
    Valid("a line that is commented out", "# a: 1  # @nni.choice(1, 2)\nb: 1\n"),
]

INVALID = [
    Invalid("a call", "f: 1  # @nni.function_choice(f(1), g(1))\n", "D101", "function_choice"),
    Invalid("a report", "# @nni.report_final_result(x)\nx: 1\n", "D101", "report_final_result"),
    Invalid("an option that is code", "x: 1  # @nni.choice(1, f(2))\n", "D102", "f(2)"),
    Invalid("a block", "# @nni.variable(nni.choice([1], [2]))\nx:\n- 1\n", "D103", "variable"),
    Invalid("the use of an anchor", "a: &b 1\nc: *b  # @nni.choice(1, 2)\n", "D104", "*b"),
    Invalid("no value", "a:  # @nni.choice(1, 2)\n", "D105", "choice"),
    Invalid("no value ends on the line", "a: |  # @nni.choice(1, 2)\n  b\n", "A402", "choice"),
    Invalid("nothing below", "a: 1\n# @nni.variable(nni.choice(1, 2))\n", "A401", "variable"),
    Invalid("a map, or the value inside it", "a: {b: 1}  # @nni.choice(1, 2)\n", "A407", "choice"),
    Invalid("two values on one line", "{a: 1, b: 2}  # @nni.uniform(0, 1)\n", "A407", "uniform"),
    Invalid("another name", "a: 1  # @nni.variable(nni.uniform(0, 1), name=b)\n", "A406", "b"),
    Invalid("the short form on its own line", "# @nni.uniform(0, 1)\na: 1\n", "A206", "uniform"),
    Invalid("bounds in the wrong order", "a: 1  # @nni.uniform(1, 0)\n", "A303", "1"),
    Invalid(
        "twice",
        "# @nni.variable(nni.uniform(0, 1))\na: 1  # @nni.uniform(0, 1)\n",
        "A412",
        "# @nni.uniform(0, 1)",
    ),
    Invalid("a repeated key", "a: 1  # @nni.choice(1, 2)\nb: 0\na: 3\n", "D108", "1"),
    Invalid(
        "a repeated map around it", "o:\n  a: 1  # @nni.choice(1, 2)\no: {b: 1}\n", "D108", "1"
    ),
    Invalid("not valid YAML", "a: [1  # @nni.choice(1, 2)\nb: 2\n", "A102", ""),
]
