"""Opens an experiment's SQLite file, and checks it before anything is written to it."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

from runtime.store import checksums
from runtime.store.errors import RESTORE, StoreError, translate_errors
from runtime.store.migrations import migrate, schema_version
from runtime.store.schema import APPLICATION_ID, SCHEMA, VERSION

_CHECK_LIMIT = 5.0  # seconds after which the integrity check is abandoned
_CHECK_STEPS = 100_000  # instructions of SQLite's virtual machine between two looks at the clock


def create(path: Path) -> sqlite3.Connection:
    """Create the file `path` with empty tables and open it for writing."""
    with translate_errors(path):
        connection = _open(path, "rwc")
        connection.executescript(
            f"BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {VERSION}; COMMIT;"
        )
        return connection


def open_existing(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the file `path`; raises StoreError if it is missing, damaged, foreign or too new.

    Opening for writing upgrades a file of an earlier version. A reader gets an upgraded copy in
    memory, and a plain copy in memory if SQLite cannot create its own files in the folder.
    """
    if not path.is_file():
        there = os.path.lexists(path) and not path.is_symlink()
        raise StoreError(f"{path} {'is not a file' if there else 'does not exist'}")
    with translate_errors(path):
        # Check read-only first: opening for writing would already change a foreign file.
        connection = _readable(path)
        try:
            _check_format(connection, path)
            if not write:
                return _upgraded(connection)
            _check_integrity(connection, path)
        except BaseException:
            connection.close()
            raise
        connection.close()
        return _writable(path)


def _readable(path: Path) -> sqlite3.Connection:
    connection = _open(path, "ro")
    try:
        schema_version(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        if not any(text in str(error) for text in ("unable to open", "disk I/O")):
            raise
        return _copy_of(path)  # SQLite has to create a file beside it, even to read it
    return connection


def _copy_of(path: Path) -> sqlite3.Connection:
    """The file and its write-ahead log, copied into memory."""
    log = Path(f"{path}-wal")
    if not log.exists() or not log.stat().st_size:
        with closing(_open(path, "ro&immutable=1")) as connection:
            return _in_memory(connection)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        shutil.copyfile(path, copy)
        with suppress(FileNotFoundError):
            shutil.copyfile(f"{path}-wal", f"{copy}-wal")
        with closing(_open(copy, "rw")) as connection:
            return _in_memory(connection)


def _in_memory(connection: sqlite3.Connection) -> sqlite3.Connection:
    memory = _configure(sqlite3.connect(":memory:"))
    connection.backup(memory)
    return memory


def _upgraded(connection: sqlite3.Connection) -> sqlite3.Connection:
    if schema_version(connection) == VERSION:
        return connection
    with closing(connection):
        memory = _in_memory(connection)
    migrate(memory)
    memory.execute("PRAGMA query_only = ON")
    return memory


def _writable(path: Path) -> sqlite3.Connection:
    connection = _open(path, "rw")
    try:
        if schema_version(connection) < VERSION:
            migrate(connection)
        if damaged := checksums.mismatches(connection):
            numbers = ", ".join(map(str, damaged[:5]))
            message = f"{path} is damaged: checksum mismatch in trial {numbers}"
            raise StoreError(message, hint=RESTORE)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    version = schema_version(connection)
    if application != APPLICATION_ID:
        hint = "the file was not changed"
        raise StoreError(f"{path} is not an Annotate experiment", hint=hint)
    if not 1 <= version <= VERSION:
        raise StoreError(
            f"{path} has schema version {version}; this Annotate supports up to {VERSION}",
            hint="the file was not changed; use the version that wrote it, or a newer one",
        )


def _check_integrity(connection: sqlite3.Connection, path: Path) -> None:
    """Have SQLite check every page, for at most `_CHECK_LIMIT` seconds."""
    deadline = time.monotonic() + _CHECK_LIMIT
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _CHECK_STEPS)
    try:
        (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if "interrupt" not in str(error):
            raise
        logging.warning("%s is large: only partly checked (%g s)", path, _CHECK_LIMIT)
        return
    finally:
        connection.set_progress_handler(None, 0)
    if result != "ok":
        raise StoreError(f"{path} is damaged: {result}", hint=RESTORE)


def _open(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = _configure(sqlite3.connect(uri, uri=True, timeout=30))
    if mode.startswith("ro"):
        return connection
    try:
        (journal,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        # With a write-ahead log the system has a change as soon as it is committed, so it survives
        # the death of this process. `Syncer` brings it to the disk.
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if journal == 'wal' else 'FULL'}")
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.row_factory = sqlite3.Row
    checksums.install(connection)
    return connection
