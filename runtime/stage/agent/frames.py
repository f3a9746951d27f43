"""Messages on a stream of bytes: a line of JSON each, which raw bytes may follow."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, Tuple

Message = Dict[str, Any]

_LONGEST = 64 << 20  # bytes of a line, and of what follows it


class Damaged(Exception):
    """The stream holds something that is no message."""


def encode(message: Message, data: bytes = b"") -> bytes:
    """The bytes of a message; `data` follows it."""
    if data:
        message = dict(message, bytes=len(data))
    return json.dumps(message).encode() + b"\n" + data


class Decoder:
    """Splits a stream into messages."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Tuple[Message, bytes]]:
        """The messages that are complete with `data`, each with its bytes. Raises Damaged."""
        self._data += data
        while True:
            end = self._data.find(b"\n")
            if end < 0:
                if len(self._data) > _LONGEST:
                    raise Damaged("a line without an end")
                return
            message = _parse(bytes(self._data[:end]))
            size = message.get("bytes", 0)
            if not isinstance(size, int) or not 0 <= size <= _LONGEST:
                raise Damaged("bytes: %r" % (size,))
            if len(self._data) < end + 1 + size:
                return
            content = bytes(self._data[end + 1 : end + 1 + size])
            del self._data[: end + 1 + size]
            yield message, content


def _parse(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise Damaged(repr(line[:80]))
    return message
