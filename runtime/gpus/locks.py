"""The locks of the GPUs that a driver leases: on this machine, or held for it by an agent."""

from __future__ import annotations

from typing import Protocol

from annotate.errors import AnnotateError
from runtime.stage.agent.gpus import locks as files
from runtime.stage.agent.gpus.locks import CannotLease, Holder


class Lock(Protocol):
    """A lock that is ours until `release`."""

    def sign(self, holder: Holder) -> None:
        """Write who holds the lock. Call it regularly."""

    def renew(self) -> None:
        """Ask for a reading of the GPU after now, as one more trial wants it."""

    def lost_to(self) -> Holder | None:
        """Who else holds it, if that turned out only later."""

    def release(self) -> None: ...


class Locks(Protocol):
    """Raises AlreadyHeld from `take` if another experiment has the GPU."""

    def take(self, uuid: str) -> Lock: ...
    def close(self) -> None: ...


class OwnLocks(files.Locks):
    """The locks of this machine. Raises AnnotateError if their folder cannot be used safely."""

    def __init__(self, folder: str | None = None) -> None:
        try:
            super().__init__(folder)
        except CannotLease as error:
            raise AnnotateError(str(error), hint=error.hint) from None

    def take(self, uuid: str) -> files.Lock:
        try:
            return super().take(uuid)
        except CannotLease as error:
            raise AnnotateError(str(error), hint=error.hint) from None
