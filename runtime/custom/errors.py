"""Mistakes in algorithms of the user's own."""

from annotate.errors import AnnotateError


class CustomError(AnnotateError):
    """The user's own tuner or assessor raised, hangs, has ended, or gave what cannot be used."""
