"""Which user owns the other end of a connection on this machine."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

#: The kernel's connection tables, and the prefix of IPv4 addresses in each.
_TABLES = {Path("/proc/net/tcp"): "", Path("/proc/net/tcp6"): "0000000000000000FFFF0000"}
_ESTABLISHED = "01"


def is_own(client: tuple[str, int], server: tuple[str, int]) -> bool:
    """Whether the client's end of the connection belongs to this process's user.

    `client` and `server` are IPv4 addresses with ports. Only Linux tells who owns a connection;
    False on other systems, and for clients on other machines or in containers.
    """
    try:
        ends = _address(*client), _address(*server)
    except OSError:
        return False
    return os.geteuid() in _owners(*ends)


def _owners(client: str, server: str) -> Iterator[int]:
    """User ids of the connection, see proc_net_tcp(5)."""
    for table, mapped in _TABLES.items():
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, remote, state, _, _, _, user, *_ = line.split()
            if (local, remote, state) == (mapped + client, mapped + server, _ESTABLISHED):
                yield int(user)


def _address(host: str, port: int) -> str:
    """As in the table: the address as a number in native byte order."""
    (number,) = struct.unpack("=I", socket.inet_aton(host))
    return f"{number:08X}:{port:04X}"
