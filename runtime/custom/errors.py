"""Mistakes in custom algorithms."""

from annotate.errors import AnnotateError


class CustomError(AnnotateError):
    """A custom tuner or assessor raised an error, hung, exited, or returned something invalid."""
