"""What SQLite says, in words that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotate.errors import AnnotateError

LEFT = "it was left as it is; restore it from a copy"


class StoreError(AnnotateError):
    """An experiment's file that is not there, not ours, damaged, or of a newer version."""


class StoreFull(StoreError):
    """The disk has no room for a change, which was not made. It can be tried again."""


@contextmanager
def plainly(path: Path) -> Iterator[None]:
    """Raise StoreError for what SQLite finds wrong with the file `path`."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # a mistake of ours
    except sqlite3.DatabaseError as error:
        raise _error(path, str(error)) from None


def _error(path: Path, said: str) -> StoreError:
    if "full" in said:
        return StoreFull(
            f"{path} cannot be written: the disk is full", hint="make room; nothing kept is lost"
        )
    if "readonly" in said:
        return StoreError(
            f"{path} cannot be written: it, or the folder around it, is read-only",
            hint="make it writable, or copy the experiment's folder to another ANNOTATE_HOME",
        )
    if "locked" in said:
        return StoreError(
            f"{path} is being written by another program", hint="try again when that has ended"
        )
    return StoreError(f"{path} cannot be read: {said}", hint=LEFT)
