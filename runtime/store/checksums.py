"""A checksum of what a trial came to, so that a result which has changed on the disk is noticed."""

from __future__ import annotations

import json
import sqlite3
import zlib

#: The columns that make up a result.
COLUMNS = ("number", "id", "origin", "state", '"values"', "final", "reports", "ended", "reason")


def install(connection: sqlite3.Connection) -> None:
    """Give SQL on this connection the function `checksum(...)`: CRC-32 over its arguments."""
    connection.create_function("checksum", -1, _checksum, deterministic=True)


def expression(**changed: str) -> str:
    """SQL for the checksum of a row, in which the columns `changed` will be these expressions."""
    return f"checksum({', '.join(changed.get(name, name) for name in COLUMNS)})"


def wrong(connection: sqlite3.Connection) -> list[int]:
    """The numbers of the trials that are not what was kept."""
    rows = connection.execute(f"SELECT number FROM trial WHERE checksum != {expression()}")
    return [number for (number,) in rows]


def _checksum(*columns: object) -> int:
    return zlib.crc32(json.dumps(columns).encode())
