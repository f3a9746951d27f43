"""`nni.assessor`: the base class of assessors written for NNI."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from nni.recoverable import Recoverable

__all__ = ["AssessResult", "Assessor"]


class AssessResult(Enum):
    """An assessor's verdict; `Bad` is false, so a verdict can be used as a condition."""

    Good = True
    Bad = False

    def __bool__(self) -> bool:
        return bool(self.value)


class Assessor(Recoverable):
    """The methods that NNI calls on an assessor."""

    def assess_trial(self, trial_job_id: str, trial_history: Sequence[Any]) -> AssessResult:
        """Whether the trial continues, judging by its intermediate results so far."""
        raise NotImplementedError(f"{type(self).__name__} has no assess_trial")

    def trial_end(self, trial_job_id: str, success: bool) -> None:
        """Learn that a trial has ended."""

    def _on_exit(self) -> None:
        """Does nothing; NNI calls it at the end."""

    def _on_error(self) -> None:
        """Does nothing; NNI calls it after an error."""
