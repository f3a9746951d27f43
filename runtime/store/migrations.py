"""Upgrades a file written by an earlier version, step by step, in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from runtime.store import checksums
from runtime.store.schema import HISTORY, OBSERVATION, VERSION


def _add_checksums(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE trial ADD COLUMN checksum INTEGER")
    connection.execute(
        f"UPDATE trial SET checksum = {checksums.expression()} WHERE ended IS NOT NULL"
    )


def _add_history(connection: sqlite3.Connection) -> None:
    connection.execute(HISTORY)


def _add_gpu(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE trial ADD COLUMN gpu TEXT")


def _add_retries(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE trial ADD COLUMN retries INTEGER NOT NULL DEFAULT 0")


def _add_place(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE trial ADD COLUMN place TEXT")


def _add_observations(connection: sqlite3.Connection) -> None:
    """Nobody kept what earlier trials did, so their first one leaves every parameter open."""
    connection.execute("ALTER TABLE trial ADD COLUMN finals INTEGER NOT NULL DEFAULT 0")
    connection.execute(OBSERVATION)
    connection.execute(
        "INSERT INTO observation SELECT first.number, json_each.key, '[]' FROM"
        " (SELECT number FROM trial WHERE ended IS NOT NULL ORDER BY number LIMIT 1) AS first,"
        " experiment, json_each(experiment.space)"
    )


def _add_paused(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE experiment ADD COLUMN paused REAL NOT NULL DEFAULT 0")


#: By version: the step that upgrades it to the next one.
MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {
    1: _add_checksums,
    2: _add_history,
    3: _add_gpu,
    4: _add_retries,
    5: _add_place,
    6: _add_observations,
    7: _add_paused,
}


def schema_version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection) -> None:
    """Upgrade the file to the current version, or leave it unchanged if a step fails."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for version in range(schema_version(connection), VERSION):
            MIGRATIONS[version](connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")
