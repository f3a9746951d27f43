"""`nni.protocol`: the commands between NNI's manager and its advisors."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import IO

__all__ = ["CommandType", "receive", "send"]


class CommandType(Enum):
    """The commands by NNI's names; the values are NNI's codes."""

    Initialize = b"IN"
    RequestTrialJobs = b"GE"
    ReportMetricData = b"ME"
    UpdateSearchSpace = b"SS"
    ImportData = b"FD"
    AddCustomizedTrialJob = b"AD"
    TrialEnd = b"EN"
    Terminate = b"TE"
    Ping = b"PI"
    Initialized = b"ID"
    NewTrialJob = b"TR"
    SendTrialJobParameter = b"SP"
    NoMoreTrialJobs = b"NO"
    KillTrialJob = b"KI"
    Error = b"ER"


_takers: list[Callable[[CommandType, str], None]] = []
# Unit tests of algorithms set these to streams of bytes. In an experiment there are none.
_in_file: IO[bytes] | None = None
_out_file: IO[bytes] | None = None


def give_to(take: Callable[[CommandType, str], None]) -> None:
    """Have `send` pass its commands to `take`."""
    _takers[:] = [take]


def send(command: CommandType, data: str) -> None:
    """Send a command, as an advisor does; `data` is JSON text."""
    for take in _takers:
        take(command, data)
    if _out_file is not None:
        content = data.encode()
        _out_file.write(command.value + b"%014d" % len(content) + content)
        _out_file.flush()


def receive() -> tuple[CommandType | None, str | None]:
    """The next command of a unit test's stream and its data; both None at its end."""
    header = _in_file.read(16) if _in_file is not None else b""
    if len(header) < 16 or _in_file is None:
        return None, None
    return CommandType(header[:2]), _in_file.read(int(header[2:])).decode()
