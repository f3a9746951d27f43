"""Covariance between two points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuners.geometry.axes import Floats

_ROOT5 = math.sqrt(5.0)


@dataclass(frozen=True, slots=True)
class Distances:
    """Distances between pairs of points in each feature: arrays of any shape, features first."""

    values: Floats
    squares: Floats


@dataclass(frozen=True, slots=True)
class Kernel:
    """The sum of two Matérn-5/2 kernels: over all features together, and over each by itself.

    `joint` is the variance of what the parameters do together. `single` is that of the mean of
    the kernels over one feature each, that is of what each parameter does regardless of the
    others (Duvenaud, Nickisch and Rasmussen, Additive Gaussian Processes, NIPS 2011). A parameter
    of little effect has little in both: they share `lengths`, up to the square root of the number
    of features, by which distances over all of them are longer.
    """

    lengths: Floats
    joint: float
    single: float

    @property
    def variance(self) -> float:
        return self.joint + self.single

    def __call__(self, distances: Distances) -> Floats:
        """The covariance of each pair."""
        r, each = self._scaled(distances)
        together = (1 + r + r * r / 3) * np.exp(-r)
        # In place: these are the largest arrays of an ask, and most of its time.
        kernels = each * each
        kernels /= 3
        kernels += each
        kernels += 1
        np.negative(each, out=each)
        kernels *= np.exp(each, out=each)
        return np.asarray(self.joint * together + self.single / len(each) * kernels.sum(axis=0))

    def parts(self, distances: Distances) -> tuple[Floats, Floats, Floats]:
        """The joint and the single part of the covariances, and their slopes by feature.

        A slope times the feature's squared distance is the derivative by the logarithm of its
        length; a slope times the distance and -1 is the derivative by the feature itself.
        """
        r, each = self._scaled(distances)
        decay, decays = np.exp(-r), np.exp(-each)
        slope, slopes = (1 + r) * decay, (1 + each) * decays
        joint = self.joint * (slope + r * r / 3 * decay)
        each *= each
        each *= decays
        each /= 3
        each += slopes
        single = self.single / len(each) * each.sum(axis=0)
        slopes *= self.single
        slopes += self.joint * slope
        slopes *= _by_feature(5 / 3 / self.lengths**2, slopes)
        return np.asarray(joint), np.asarray(single), slopes

    def _scaled(self, distances: Distances) -> tuple[Floats, Floats]:
        """Distances over all features, and in each feature, in units of the lengths."""
        r = _ROOT5 * np.sqrt(np.tensordot(self.lengths**-2.0, distances.squares, 1))
        scale = _ROOT5 * math.sqrt(len(self.lengths)) / self.lengths
        return r, distances.values * _by_feature(scale, distances.values)


def _by_feature(values: Floats, like: Floats) -> Floats:
    return values.reshape(-1, *[1] * (like.ndim - 1))
