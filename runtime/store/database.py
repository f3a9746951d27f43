"""A connection to one experiment's SQLite file, which is looked at before it is trusted."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

from runtime.store import checksums
from runtime.store.errors import LEFT, StoreError, plainly
from runtime.store.migrations import migrate, version_of
from runtime.store.schema import APPLICATION_ID, SCHEMA, VERSION

_CHECK_WITHIN = 5.0  # seconds; a longer check is given up
_CHECK_STEPS = 100_000  # of SQLite's machine between two looks at the clock


def create(path: Path) -> sqlite3.Connection:
    """Make the file `path` with an empty schema and open it for writing."""
    with plainly(path):
        connection = _open(path, "rwc")
        connection.executescript(
            f"BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {VERSION}; COMMIT;"
        )
        return connection


def open_existing(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the file `path`; raises StoreError where it is not a store that we can read.

    A file of an earlier version is brought up to date where it is opened for writing. A reader
    sees it as it would be then, and likewise where its folder cannot be written to, as it is now.
    """
    if not path.is_file():
        raise StoreError(f"{path} does not exist")
    with plainly(path):
        # Looked at before it is opened for writing: that alone would change a foreign file.
        connection = _readable(path)
        try:
            _check_ours(connection, path)
            if not write:
                return _up_to_date(connection)
            _check_whole(connection, path)
        except BaseException:
            connection.close()
            raise
        connection.close()
        return _writable(path)


def _readable(path: Path) -> sqlite3.Connection:
    connection = _open(path, "ro")
    try:
        version_of(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        if "unable to open" not in str(error):
            raise
        return _copy_of(path)  # SQLite wants to make a file beside it, even for reading
    return connection


def _copy_of(path: Path) -> sqlite3.Connection:
    """The file and its log of changes, as they are now, in memory."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        shutil.copyfile(path, copy)
        with suppress(FileNotFoundError):
            shutil.copyfile(f"{path}-wal", f"{copy}-wal")
        with closing(_open(copy, "rw")) as connection:
            return _in_memory(connection)


def _in_memory(connection: sqlite3.Connection) -> sqlite3.Connection:
    memory = _prepared(sqlite3.connect(":memory:"))
    connection.backup(memory)
    return memory


def _up_to_date(connection: sqlite3.Connection) -> sqlite3.Connection:
    if version_of(connection) == VERSION:
        return connection
    with closing(connection):
        memory = _in_memory(connection)
    migrate(memory)
    memory.execute("PRAGMA query_only = ON")
    return memory


def _writable(path: Path) -> sqlite3.Connection:
    connection = _open(path, "rw")
    try:
        if version_of(connection) < VERSION:
            migrate(connection)
        if wrong := checksums.wrong(connection):
            numbers = ", ".join(map(str, wrong[:5]))
            raise StoreError(f"{path} is damaged: not what was kept is trial {numbers}", hint=LEFT)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    version = version_of(connection)
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is not an experiment of ours", hint="it was left as it is")
    if not 1 <= version <= VERSION:
        raise StoreError(
            f"{path} has version {version} of the schema, this program knows up to {VERSION}",
            hint="it was left as it is; use the version of annotate that wrote it, or a newer one",
        )


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    """Have SQLite look at every page, as long as that does not take too long."""
    until = time.monotonic() + _CHECK_WITHIN
    connection.set_progress_handler(lambda: time.monotonic() > until, _CHECK_STEPS)
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if "interrupt" not in str(error):
            raise
        logging.warning("%s is large; it was checked for %g s", path, _CHECK_WITHIN)
        return
    finally:
        connection.set_progress_handler(None, 0)
    if found != "ok":
        raise StoreError(f"{path} is damaged: {found}", hint=LEFT)


def _open(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = _prepared(sqlite3.connect(uri, uri=True, timeout=30))
    if mode == "ro":
        return connection
    try:
        (journal,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        # In a log, a change has been handed to the system once it is made: the death of this
        # process takes nothing away. `Syncer` has it reach the disk.
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if journal == 'wal' else 'FULL'}")
    except BaseException:
        connection.close()
        raise
    return connection


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.row_factory = sqlite3.Row
    checksums.install(connection)
    return connection
