"""A connection to one experiment's SQLite file, and the file's schema."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from annotate.errors import AnnotateError

#: "Annt": tells the file from other programs' SQLite files.
APPLICATION_ID = 0x416E6E74
SCHEMA_VERSION = 1

SCHEMA = """
-- One row: what the experiment is. Times are seconds since the epoch.
CREATE TABLE experiment (
    id      TEXT NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL,
    state   TEXT NOT NULL,
    reason  TEXT,
    config  TEXT NOT NULL,              -- JSON, see runtime.config
    space   TEXT NOT NULL,              -- NNI's search space JSON
    created REAL NOT NULL,
    ended   REAL
);

CREATE TABLE trial (
    number   INTEGER PRIMARY KEY,       -- from 0, in the order of creation
    id       TEXT NOT NULL UNIQUE,
    origin   TEXT NOT NULL,             -- baseline, tuner or user
    state    TEXT NOT NULL,
    "values" TEXT NOT NULL,             -- JSON: from parameter to value
    final    TEXT,                      -- JSON: the last final result as reported
    metric   REAL,                      -- its number; NULL for nan
    reports  INTEGER NOT NULL DEFAULT 0,-- intermediate results so far
    last     REAL,                      -- the number of the last one; NULL for nan
    created  REAL NOT NULL,
    started  REAL,
    ended    REAL,
    reason   TEXT,                      -- why it failed or was ended
    asked    INTEGER UNIQUE,            -- its place in what the tuner was asked and told
    told     INTEGER UNIQUE             -- likewise, NULL where it was not told
);

CREATE TABLE report (
    trial    INTEGER NOT NULL REFERENCES trial (number),
    sequence INTEGER NOT NULL,          -- from 0 within the trial
    value    TEXT NOT NULL,             -- JSON as reported
    time     REAL NOT NULL,
    PRIMARY KEY (trial, sequence)
) WITHOUT ROWID;
"""


class StoreError(AnnotateError):
    """An experiment's file that is not there, not ours, damaged, or of a newer version."""


def create(path: Path) -> sqlite3.Connection:
    """Make the file `path` with an empty schema and open it for writing."""
    connection = _open(path, "rwc")
    with connection:
        connection.executescript(
            f"BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
    return connection


def open_existing(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the file `path`; raises StoreError where it is not a store that we can read."""
    if not path.is_file():
        raise StoreError(f"{path} does not exist")
    try:
        # Looked at before it is opened for writing: that alone would change a foreign file.
        with closing(_open(path, "ro")) as connection:
            _check(connection, path)
        return _open(path, "rw" if write else "ro")
    except sqlite3.Error as error:
        raise StoreError(
            f"{path} cannot be read: {error}", hint="it was left as it is; restore it from a copy"
        ) from None


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application == APPLICATION_ID and version == SCHEMA_VERSION:
        return
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is not an experiment of ours", hint="it was left as it is")
    raise StoreError(
        f"{path} has version {version} of the schema, this program knows {SCHEMA_VERSION}",
        hint="use the version of annotate that wrote it, or a newer one",
    )


def _open(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=30)
    connection.row_factory = sqlite3.Row
    if mode != "ro":
        connection.execute("PRAGMA journal_mode = WAL")
        # What a commit has said to be kept is kept, also when the machine loses its power.
        connection.execute("PRAGMA synchronous = FULL")
    return connection
