"""SQLite's errors as sentences that say what happened and what to do."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from annotate.errors import AnnotateError

T = TypeVar("T")

_PAGE = 65536  # bytes; SQLite cannot work with less
# What decoding content of the wrong kind raises, e.g. a list where an object belongs.
_UNREADABLE = (ValueError, LookupError, TypeError, ArithmeticError, AttributeError)
RESTORE = "the file was not changed; restore it from a backup"


class StoreError(AnnotateError):
    """An experiment's file is missing, damaged, foreign, or of a newer version."""


class StoreLost(StoreError):
    """The file of a running experiment was removed, replaced or truncated by something else."""


class StoreFull(StoreError):
    """The disk is full. The change was not made and can be retried."""


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Raise StoreError, naming the file `path`, in place of SQLite's own errors."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # a bug of ours
    except sqlite3.DatabaseError as error:
        raise _store_error(path, str(error)) from None


def decoded(path: Path, rows: Iterable[sqlite3.Row], decode: Callable[[sqlite3.Row], T]) -> list[T]:
    """Decode each of these rows of the file `path`.

    Raises StoreError, naming the file, for a row with content that we never write.
    """
    try:
        return [decode(row) for row in rows]
    except (AnnotateError, *_UNREADABLE) as error:
        raise StoreError(f"{path} is damaged: {error}", hint=RESTORE) from None


def _store_error(path: Path, message: str) -> StoreError:
    if "full" in message or ("disk I/O" in message and _is_full(path)):
        return StoreFull(
            f"{path} cannot be written: the disk is full",
            hint="free some space; everything stored so far is safe",
        )
    if "readonly" in message:
        return StoreError(
            f"{path} cannot be written: the file or its folder is read-only",
            hint="make it writable, or copy the experiment's folder to another ANNOTATE_HOME",
        )
    if "locked" in message:
        return StoreError(
            f"{path} is being written by another program",
            hint="try again when that program has finished",
        )
    return StoreError(f"{path} cannot be read: {message}", hint=RESTORE)


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _PAGE
    except OSError:
        return False
