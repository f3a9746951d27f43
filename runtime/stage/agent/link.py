"""The connection of an agent to its driver."""

from __future__ import annotations

import array
import contextlib
import os
import socket
import struct
import sys
from typing import Iterator, Tuple

from runtime.stage.agent.frames import Damaged, Decoder, Message, encode

_ENOUGH = 4 << 20  # bytes that wait to be sent, beyond which no file is read
_HANDING = 5.0  # seconds for `attach` to hand over its descriptors
_AT_ONCE = 1 << 18  # bytes that are read or written at a time


class Link:
    """The standard input and output of an `attach` process, which leads to the driver.

    `channel` is the connection to that process, which lives as long as it is open. Nothing blocks:
    what cannot be sent yet waits in memory.
    """

    def __init__(self, channel: socket.socket, source: int, goal: int) -> None:
        self.channel = channel
        self.source, self.goal = source, goal  # to read from and to write to
        for descriptor in (source, goal):
            os.set_blocking(descriptor, False)
        self._decoder = Decoder()
        self._waiting = bytearray()
        self.closed = False

    @property
    def is_full(self) -> bool:
        return len(self._waiting) > _ENOUGH

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def send(self, message: Message, data: bytes = b"") -> None:
        """Queue the message; `flush` sends it, together with those that follow soon."""
        self._waiting += encode(message, data)
        if len(self._waiting) >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Send what the descriptor takes now."""
        try:
            while self._waiting and not self.closed:
                count = os.write(self.goal, self._waiting[:_AT_ONCE])
                del self._waiting[:count]
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def read(self) -> Iterator[Tuple[Message, bytes]]:
        """The messages that have arrived. Closes itself at the end of the stream."""
        if self.closed:
            return
        try:
            data = os.read(self.source, _AT_ONCE)
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
        if not self.closed:
            self.closed = True
            self.channel.close()
            for descriptor in (self.source, self.goal):
                with contextlib.suppress(OSError):
                    os.close(descriptor)


def hand_over(channel: socket.socket) -> None:
    """In `attach`: give the agent our standard input and output."""
    numbers = array.array("i", [0, 1])
    channel.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])


def take_over(channel: socket.socket) -> Link:
    """In the agent: a link over what `attach` hands over. Raises OSError."""
    if not _is_own_user(channel):
        raise PermissionError("another user connects")
    channel.settimeout(_HANDING)
    numbers = array.array("i", [0, 0])
    size = len(numbers) * numbers.itemsize
    _, control, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(size))
    if not control:
        raise OSError("no descriptor came")
    _, _, data = control[0]
    return Link(channel, *struct.unpack("2i", data[:size]))


def _is_own_user(channel: socket.socket) -> bool:
    """Whether the other side belongs to this process's user, or to root."""
    if not sys.platform.startswith("linux"):
        return True  # the folder of the socket keeps others out
    size = struct.calcsize("3i")
    data = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return struct.unpack("3i", data)[1] in (0, os.getuid())
