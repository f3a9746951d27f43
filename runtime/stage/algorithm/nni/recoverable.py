"""`nni.recoverable`: check points of an algorithm's own, which a replay makes needless."""

from __future__ import annotations


class Recoverable:
    """An algorithm that could keep its state; here it is told its history again instead."""

    def load_checkpoint(self) -> None:
        """Does nothing."""

    def save_checkpoint(self) -> None:
        """Does nothing."""

    def get_checkpoint_path(self) -> None:
        """There is none: None."""
