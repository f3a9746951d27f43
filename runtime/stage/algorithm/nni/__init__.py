"""The part of NNI that its tuners, assessors and advisors import; shadows an installed NNI."""

from __future__ import annotations

from typing import Any


class NoMoreTrialError(Exception):
    """The tuner has no parameters to offer now."""


class ClassArgsValidator:
    """Checks an algorithm's `classArgs`; one written for NNI overrides `validate_class_args`."""

    def validate_class_args(self, **kwargs: Any) -> None:
        """Raise an error for invalid arguments."""
