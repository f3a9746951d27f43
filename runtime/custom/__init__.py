"""Tuners and assessors of the user's own: our contract or NNI's, loaded unchanged from a file."""

from runtime.custom.assessor import CustomAssessor
from runtime.custom.reference import is_custom, reference
from runtime.custom.tuner import CustomTuner

__all__ = ["CustomAssessor", "CustomTuner", "is_custom", "reference"]
