"""Bringing a file of an earlier version to this one, step by step, in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from runtime.store import checksums
from runtime.store.schema import HISTORY, VERSION


def _checksum_of_a_result(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE trial ADD COLUMN checksum INTEGER")
    connection.execute(
        f"UPDATE trial SET checksum = {checksums.expression()} WHERE ended IS NOT NULL"
    )


def _results_from_elsewhere(connection: sqlite3.Connection) -> None:
    connection.execute(HISTORY)


def _gpu_of_a_trial(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE trial ADD COLUMN gpu TEXT")


def _count_of_retries(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE trial ADD COLUMN retries INTEGER NOT NULL DEFAULT 0")


#: From each version to the next one.
MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {
    1: _checksum_of_a_result,
    2: _results_from_elsewhere,
    3: _gpu_of_a_trial,
    4: _count_of_retries,
}


def version_of(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest version: wholly, or not at all where a step fails."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for version in range(version_of(connection), VERSION):
            MIGRATIONS[version](connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")
