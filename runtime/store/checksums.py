"""Checksums of trial results, to detect a result that changed on the disk."""

from __future__ import annotations

import json
import sqlite3
import zlib

#: The columns that make up a result.
COLUMNS = ("number", "id", "origin", "state", '"values"', "final", "reports", "ended", "reason")


def install(connection: sqlite3.Connection) -> None:
    """Add the SQL function `checksum(...)`, the CRC-32 of its arguments, to this connection."""
    connection.create_function("checksum", -1, _checksum, deterministic=True)


def expression(**changed: str) -> str:
    """SQL for a row's checksum after the columns in `changed` are set to these expressions."""
    return f"checksum({', '.join(changed.get(name, name) for name in COLUMNS)})"


def mismatches(connection: sqlite3.Connection) -> list[int]:
    """The numbers of the trials whose stored checksum does not match their result."""
    rows = connection.execute(f"SELECT number FROM trial WHERE checksum != {expression()}")
    return [number for (number,) in rows]


def _checksum(*columns: object) -> int:
    return zlib.crc32(json.dumps(columns).encode())
