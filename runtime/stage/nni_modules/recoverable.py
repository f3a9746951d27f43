"""`nni.recoverable`: checkpoints of an algorithm, which are not needed because we replay."""

from __future__ import annotations


class Recoverable:
    """An algorithm that can save its state. It need not: its history is replayed instead."""

    def load_checkpoint(self) -> None:
        """Does nothing."""

    def save_checkpoint(self) -> None:
        """Does nothing."""

    def get_checkpoint_path(self) -> None:
        """Always None."""

    def recover_parameter_id(self, data: object) -> int:
        """Always 0: a replayed history has no ids of an earlier run."""
        return 0

    def is_created_in_previous_exp(self, param_id: object) -> bool:
        """Always False, likewise."""
        return False
