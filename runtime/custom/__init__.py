"""Tuners and assessors of the user's own: our contract or NNI's, loaded unchanged from a file."""

from runtime.custom.load import is_custom, load_assessor, load_tuner, reference

__all__ = ["is_custom", "load_assessor", "load_tuner", "reference"]
