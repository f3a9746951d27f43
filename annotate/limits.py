"""Reads files and JSON from outside within limits, so that none of them takes all memory.

Every loader of such a file reads it through here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from annotate.process_wide import no_collection

MAX_BYTES = 1 << 28
MAX_DEPTH = 100
MAX_DIGITS = 300  # a longer integer has no floating-point value
MAX_ITEMS = 10_000_000  # of a file, which may use the same part many times
TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"


def read_bytes(path: Path, *, limit: int = MAX_BYTES) -> bytes:
    """The content of a file, or of a pipe. Raises OSError, and AnnotateError if it is too large."""
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise AnnotateError(f"{path} is larger than {limit >> 20} MiB")
    return data


def read_text(path: Path, *, limit: int = MAX_BYTES) -> str:
    """The text of a file, or of a pipe. Raises AnnotateError that names the file."""
    try:
        return read_bytes(path, limit=limit).decode("utf-8-sig")
    except OSError as error:
        raise AnnotateError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise AnnotateError(f"{path}: not UTF-8 text at byte {error.start}") from None


def json_value(
    text: str, path: str, pairs: Callable[[list[tuple[str, JSON]]], Any] | None = None
) -> JSON:
    """Parse JSON; `pairs` makes its objects.

    Raises AnnotateError that names `path`, with the place of a syntax error.
    """
    try:
        with no_collection:
            value = json.loads(text, object_pairs_hook=pairs, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise AnnotateError(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from None
    except RecursionError:
        raise AnnotateError(f"{path} is {TOO_DEEP}") from None
    except _TooLong:
        raise AnnotateError(f"{path} has a number of more than {MAX_DIGITS} digits") from None
    check(value, path)
    return value


def check(value: JSON, path: str, *, items: int = MAX_ITEMS) -> None:
    """Raise AnnotateError if lists and dicts are nested too deeply or, shared, hold too much."""
    level, depth, count = [value], 0, 0
    while level := [item for node in level for item in _items(node)]:
        depth, count = depth + 1, count + len(level)
        if depth > MAX_DEPTH:
            raise AnnotateError(f"{path} is {TOO_DEEP}")
        if count > items:
            raise AnnotateError(f"{path} has more than {items} items")


def _items(node: JSON) -> Iterable[JSON]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


class _TooLong(Exception):
    pass


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _TooLong
    return int(text)
