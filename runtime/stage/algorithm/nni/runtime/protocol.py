"""`nni.runtime.protocol`: the commands between NNI's manager and its advisors."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

__all__ = ["CommandType", "send"]


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


_takers: list[Callable[[CommandType, str], None]] = []


def give_to(take: Callable[[CommandType, str], None]) -> None:
    """Have `send` pass its commands to `take`."""
    _takers[:] = [take]


def send(command: CommandType, data: str) -> None:
    """Send a command, as an advisor does; `data` is JSON text."""
    for take in _takers:
        take(command, data)
