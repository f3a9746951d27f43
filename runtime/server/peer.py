"""Whose program is at the other end of a connection on this machine."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

#: The system's tables of connections: IPv4, and IPv4 as sockets of IPv6 have it.
_TABLES = {Path("/proc/net/tcp"): "", Path("/proc/net/tcp6"): "0000000000000000FFFF0000"}
_ESTABLISHED = "01"


def is_own(client: tuple[str, int], server: tuple[str, int]) -> bool:
    """Whether the process that holds the client's end runs as the user that this one runs as.

    `client` and `server` are IPv4 addresses with their ports. Linux alone says whose a connection
    is; elsewhere, and of what comes from another machine or container, nobody knows, so it is not.
    """
    try:
        ends = _address(*client), _address(*server)
    except OSError:
        return False
    return os.geteuid() in _owners(*ends)


def _owners(client: str, server: str) -> Iterator[int]:
    """proc_net_tcp(5): after a number come the two addresses, the state, and fifth the user."""
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
    """As the table writes it: the address as a number in the machine's own byte order."""
    (number,) = struct.unpack("=I", socket.inet_aton(host))
    return f"{number:08X}:{port:04X}"
