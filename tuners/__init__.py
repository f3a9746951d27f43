"""The algorithms: a search space and results go in, the next values come out."""

from tuners.base import Assessor, Exhausted, Tuner, TunerError, Verdict
from tuners.registry import ASSESSORS, TUNERS, Algorithm, create, create_assessor

__all__ = [
    "ASSESSORS",
    "TUNERS",
    "Algorithm",
    "Assessor",
    "Exhausted",
    "Tuner",
    "TunerError",
    "Verdict",
    "create",
    "create_assessor",
]
