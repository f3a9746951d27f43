"""Types of options, shared by the commands."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from typing import TypeVar

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.system import units

T = TypeVar("T")


def _typed(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse` for argparse, which shows a message only of its own kind of error."""

    def typed(text: str) -> T:
        try:
            return parse(text)
        except AnnotateError as error:
            hint = f" ({error.hint})" if error.hint else ""
            raise argparse.ArgumentTypeError(f"{error}{hint}") from None

    return typed


duration = _typed(units.seconds)
memory = _typed(units.size_in_bytes)


@_typed
def pair(text: str) -> tuple[str, str]:
    """`name=value`."""
    return _pair(text)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise AnnotateError(f"{text!r} is not name=value")
    return name.strip(), value


@_typed
def port(text: str) -> int:
    """A TCP port."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise AnnotateError(f"{text!r} is no port", hint="a port is a number from 1 to 65535")
    return int(text)


@_typed
def count(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise AnnotateError(f"{text!r} is not a number from 1 on")
    return int(text)


@_typed
def listed(text: str) -> list[tuple[str, str]]:
    """`lr=0.1,batch=64`; a value may hold commas that no `name=` follows."""
    return [_pair(part) for part in re.split(r",(?=[^,=]+=)", text)]


@_typed
def number_or_auto(text: str) -> int | None:
    """A whole number, or None for `auto`."""
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError:
        raise AnnotateError(f"{text!r} is neither a whole number nor auto") from None


def words(text: str) -> tuple[str, ...]:
    """`a,b`."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def literal(text: str) -> JSON:
    """A value as people type it: JSON where it is that, Python's True, False, None, else text."""
    python = {"True": True, "False": False, "None": None}
    if text in python:
        return python[text]
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return float(text) if not text.strip().isalpha() else text
    except ValueError:
        return text


def typed(value: JSON) -> str:
    """What `literal` reads as `value`."""
    plain = isinstance(value, str) and literal(value) == value
    return str(value) if plain else json.dumps(value)
