"""`nni.runtime.protocol`: the commands between NNI's manager and its advisors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


Taker = Callable[[CommandType, str], None]
_takers: list[Taker] = []


@contextmanager
def capture(take: Taker) -> Iterator[None]:
    """Within it `send` gives its commands to `take`."""
    _takers.append(take)
    try:
        yield
    finally:
        _takers.remove(take)


def send(command: CommandType, data: str) -> None:
    """What an advisor calls; `data` is JSON text."""
    _takers[-1](command, data)
