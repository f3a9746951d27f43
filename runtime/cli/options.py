"""Types of options for argparse, and values as users type them."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from annotate import limits
from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.core import options
from runtime.system import units

T = TypeVar("T")


def typed(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse` for argparse, which shows the message of no other exception than its own."""

    def parse_for_argparse(text: str) -> T:
        try:
            return parse(text)
        except AnnotateError as error:
            hint = f" ({error.hint})" if error.hint else ""
            raise argparse.ArgumentTypeError(f"{error}{hint}") from None

    return parse_for_argparse


duration = typed(units.seconds)
pair = typed(options.pair)


@typed
def port(text: str) -> int:
    """A TCP port."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise AnnotateError(f"{text!r} is not a port", hint="write a number from 1 to 65535")
    return int(text)


@typed
def count(text: str) -> int:
    """A whole number, at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise AnnotateError(f"{text!r} is not a whole number above 0")
    return int(text)


@typed
def pairs(text: str) -> list[tuple[str, str]]:
    """`lr=0.1,batch=64`. A comma separates only where a `name=` follows."""
    return [options.pair(part) for part in re.split(r",(?=[^,=]+=)", text)]


def literal(text: str) -> JSON:
    """A typed value: JSON where it is valid, Python's True, False and None, otherwise text."""
    python = {"True": True, "False": False, "None": None}
    if text in python:
        return python[text]
    with suppress(AnnotateError):
        return limits.json_value(text, text)
    try:
        return float(text) if not text.strip().isalpha() else text
    except ValueError:
        return text


def as_typed(value: JSON) -> str:
    """The text that `literal` reads as `value`."""
    plain = isinstance(value, str) and literal(value) == value
    return str(value) if plain else json.dumps(value)
