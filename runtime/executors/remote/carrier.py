"""What carries a connection to a machine: each engine has a small class of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Unreachable(Exception):
    """The machine cannot be used now; the message says why, `hint` what to do.

    `final` means that trying again cannot help, for example after a wrong key.
    """

    def __init__(self, reason: str, hint: str = "", *, final: bool = False) -> None:
        super().__init__(reason)
        self.hint, self.final = hint, final


class Stream(ABC):
    """A program's standard input and output on the machine."""

    @abstractmethod
    async def read(self, size: int) -> bytes:
        """At most `size` bytes; b"" at the end, also if the connection broke."""

    @abstractmethod
    async def write(self, data: bytes) -> None:
        """Write all data; raises OSError if the connection broke."""

    @abstractmethod
    async def close(self) -> str:
        """End the program, and return the end of its standard error."""


class Carrier(ABC):
    """One machine. `name` is what users call it, `slots` how many trials it runs at a time.

    `slots` is None if only the experiment's concurrency limits them. `python` is the interpreter
    there, "" for the one that `python` starts. `program` is the agent's that the stream needs.
    `instance` tells agents of one experiment apart whose machines may share a home folder.
    """

    name: str
    slots: int | None = None
    python: str = ""
    program: str = "attach"
    instance: str = ""
    platform: str

    @abstractmethod
    async def open(self, command: Sequence[str]) -> Stream:
        """Start a command there; raises Unreachable."""

    async def connect(self) -> None:
        """Connect, if that is apart from `open`; raises Unreachable."""
        return

    async def close(self) -> None:
        """Release the connection."""
        return
