"""The connection of an agent to its driver."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from typing import Iterator, Tuple

from runtime.stage.agent.frames import Damaged, Decoder, Message, encode

_ENOUGH = 4 << 20  # bytes that wait to be sent, beyond which no file is read


class Link:
    """A connected socket. Nothing blocks: what cannot be sent yet waits in memory."""

    def __init__(self, channel: socket.socket) -> None:
        channel.setblocking(False)
        self._channel = channel
        self._decoder = Decoder()
        self._waiting = bytearray()
        self.closed = False

    def fileno(self) -> int:
        return self._channel.fileno()

    @property
    def is_full(self) -> bool:
        return len(self._waiting) > _ENOUGH

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def send(self, message: Message, data: bytes = b"") -> None:
        self._waiting += encode(message, data)
        self.flush()

    def flush(self) -> None:
        """Send what the socket takes now."""
        try:
            while self._waiting and not self.closed:
                count = self._channel.send(self._waiting[: 1 << 18])
                del self._waiting[:count]
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def read(self) -> Iterator[Tuple[Message, bytes]]:
        """The messages that have arrived. Closes itself at the end of the stream."""
        try:
            data = self._channel.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        try:
            yield from self._decoder.feed(data)
        except Damaged:
            self.close()

    def close(self) -> None:
        self.closed = True
        with contextlib.suppress(OSError):
            self._channel.close()


def is_own_user(channel: socket.socket) -> bool:
    """Whether the other side belongs to this process's user, or to root."""
    if not sys.platform.startswith("linux"):
        return True  # the folder of the socket keeps others out
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack(
        "3i", channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    return user in (0, os.getuid())
