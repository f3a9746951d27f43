"""NNI's names for tuners, assessors and advisors written for it; ours, whatever is installed."""

from __future__ import annotations

from typing import Any


class NoMoreTrialError(Exception):
    """A tuner has no parameters to give now."""


class ClassArgsValidator:
    """Checks an algorithm's `classArgs`; one written for NNI overrides `validate_class_args`."""

    def validate_class_args(self, **kwargs: Any) -> None:
        """Raise for arguments that cannot be used."""
