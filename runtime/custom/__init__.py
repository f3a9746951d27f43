"""Custom tuners and assessors: the user's classes, written for our contract or for NNI's."""

from runtime.custom.assessor import CustomAssessor
from runtime.custom.reference import is_custom, reference
from runtime.custom.tuner import CustomTuner

__all__ = ["CustomAssessor", "CustomTuner", "is_custom", "reference"]
