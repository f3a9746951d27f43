"""What two points of a search space have to do with each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuners.axes import Floats

_ROOT5 = math.sqrt(5.0)


@dataclass(frozen=True, slots=True)
class Kernel:
    """Two Matérn-5/2 kernels: one of the distance in all the features, one of each by itself.

    `single` times the mean of the one-feature kernels is what each parameter does whatever the
    others are (Duvenaud, Nickisch and Rasmussen, Additive Gaussian Processes, NIPS 2011); `joint`
    is the variance of what they do together. A parameter that does little does so in both:
    they have the same `lengths`, but for the root of the number of features, by which distances
    in all of them are longer.
    """

    lengths: Floats
    joint: float
    single: float

    @property
    def variance(self) -> float:
        return self.joint + self.single

    def __call__(self, squares: Floats) -> Floats:
        """Covariances; `squares` are squared distances, the features first."""
        r, alone = self._distances(squares)
        together = (1 + r + r * r / 3) * np.exp(-r)
        each = (1 + alone + alone * alone / 3) * np.exp(-alone)
        return np.asarray(self.joint * together + self.single * each.mean(axis=0))

    def parts(self, squares: Floats) -> tuple[Floats, Floats, Floats]:
        """The joint and the single part of the covariances, and their pull.

        The pull is, for each feature, the derivative by the logarithm of its length when it is
        multiplied by the feature's squared distance; and the derivative by the feature itself
        when it is multiplied by the distance and -1.
        """
        r, alone = self._distances(squares)
        decay, fading = np.exp(-r), np.exp(-alone)
        slope, slopes = (1 + r) * decay, (1 + alone) * fading
        joint = self.joint * (slope + r * r / 3 * decay)
        single = self.single * (slopes + alone * alone / 3 * fading).mean(axis=0)
        slopes *= self.single
        slopes += self.joint * slope
        slopes *= _by_feature(5 / 3 / self.lengths**2, squares)
        return np.asarray(joint), np.asarray(single), slopes

    def _distances(self, squares: Floats) -> tuple[Floats, Floats]:
        """In all the features, and in each, in lengths."""
        r = _ROOT5 * np.sqrt(np.tensordot(self.lengths**-2.0, squares, 1))
        scale = _ROOT5 * math.sqrt(len(squares)) / self.lengths
        return r, np.sqrt(squares) * _by_feature(scale, squares)


def _by_feature(values: Floats, squares: Floats) -> Floats:
    return values.reshape(-1, *[1] * (squares.ndim - 1))
