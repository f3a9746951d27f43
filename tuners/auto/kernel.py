"""What two points of a search space have to do with each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuners.geometry.axes import Floats

_ROOT5 = math.sqrt(5.0)


@dataclass(frozen=True, slots=True)
class Apart:
    """How far pairs of points are apart in each feature: arrays of any shape, features first."""

    distances: Floats
    squares: Floats


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

    def __call__(self, apart: Apart) -> Floats:
        """Covariances of the pairs."""
        r, alone = self._scaled(apart)
        together = (1 + r + r * r / 3) * np.exp(-r)
        # In place: these are the largest arrays of an ask, and most of its time.
        each = alone * alone
        each /= 3
        each += alone
        each += 1
        np.negative(alone, out=alone)
        each *= np.exp(alone, out=alone)
        return np.asarray(self.joint * together + self.single / len(each) * each.sum(axis=0))

    def parts(self, apart: Apart) -> tuple[Floats, Floats, Floats]:
        """The joint and the single part of the covariances, and their pull.

        The pull is, for each feature, the derivative by the logarithm of its length when it is
        multiplied by the feature's squared distance; and the derivative by the feature itself
        when it is multiplied by the distance and -1.
        """
        r, alone = self._scaled(apart)
        decay, fading = np.exp(-r), np.exp(-alone)
        slope, slopes = (1 + r) * decay, (1 + alone) * fading
        joint = self.joint * (slope + r * r / 3 * decay)
        alone *= alone
        alone *= fading
        alone /= 3
        alone += slopes
        single = self.single / len(alone) * alone.sum(axis=0)
        slopes *= self.single
        slopes += self.joint * slope
        slopes *= _by_feature(5 / 3 / self.lengths**2, slopes)
        return np.asarray(joint), np.asarray(single), slopes

    def _scaled(self, apart: Apart) -> tuple[Floats, Floats]:
        """Distances in all the features, and in each, in lengths."""
        r = _ROOT5 * np.sqrt(np.tensordot(self.lengths**-2.0, apart.squares, 1))
        scale = _ROOT5 * math.sqrt(len(self.lengths)) / self.lengths
        return r, apart.distances * _by_feature(scale, apart.distances)


def _by_feature(values: Floats, like: Floats) -> Floats:
    return values.reshape(-1, *[1] * (like.ndim - 1))
