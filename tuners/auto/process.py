"""The Gaussian process of `auto`: fitted and searched in milliseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs, dtrtrs
from scipy.optimize import minimize
from scipy.special import log_ndtr

from tuners.auto.features import Features
from tuners.auto.kernel import Distances, Kernel
from tuners.geometry.axes import Floats, Ints
from tuners.gp import log_improvement

_JITTER = 1e-8
#: Means and standard deviations of logarithms: of the kernel's two variances, of the second one
#: if the model is not additive, and of the noise variance.
_VARIANCE, _NO_VARIANCE, _NOISE = (-0.7, 1.0), (-6.0, 1e-3), (-6.0, 2.0)
#: Bounds for the logarithms of the lengths, of the two variances and of the noise variance.
_LENGTHS, _VARIANCES, _NOISES = (-6.0, 5.0), (-6.0, 4.0), (-14.0, 2.0)
_STEPS = 30
#: How many points are predicted at once: more do not fit into the processor's cache.
_CHUNK = 16


@dataclass(frozen=True, slots=True)
class Prior:
    """What is expected of a process before it has seen any losses.

    Length scales are log-normal around `length` times the square root of the number of features,
    after Hvarfner, Hellsten and Nardi, arXiv:2402.02229, whose e ** 1.41 is too smooth for few
    trials. Where nothing was tried, losses are expected at the `gloom` quantile of the results
    instead of their mean, so that corners do not look better than they are. Without `additive`,
    parameters have effects only together. With `habits`, the expected lengths and ends depend on
    the kind of domain, see `features.Habit`.
    """

    length: float = 0.4
    gloom: float = 0.75
    additive: bool = True
    habits: bool = True


class Process:
    """A Gaussian process over standardised losses, with a length scale for each feature.

    Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006: equations 2.25, 2.26,
    4.17 and 5.9.
    """

    def __init__(
        self, features: Features, points: Floats, y: Floats, prior: Prior, fitted: Ints
    ) -> None:
        """Learn all points; fit lengths and variances only to those numbered in `fitted`."""
        self._features = features
        self._rows = features.rows(points)
        self._ends = features.ends if prior.habits else np.zeros(features.count)
        y = (y - np.quantile(y, prior.gloom)) / (float(y.std()) or 1.0)
        self.best = float(y.min())
        # The difference from the prior mean.
        self._y = y - self._expected(self._rows)
        self._theta = self._fit(prior, self._rows[fitted], self._y[fitted])
        self._condition()

    def _fit(self, prior: Prior, rows: Floats, y: Floats) -> Floats:
        count = self._features.count
        relative = self._features.lengths if prior.habits else np.ones(count)
        lengths = np.log(prior.length * math.sqrt(count) * relative)
        others = (_VARIANCE, _VARIANCE if prior.additive else _NO_VARIANCE, _NOISE)
        centre = np.append(lengths, [mean for mean, _ in others])
        spreads = self._features.spreads if prior.habits else np.ones(count)
        spread = np.append(spreads, [deviation for _, deviation in others])
        first, second = np.tril_indices(len(y), -1)
        distances = self._features.distances(rows[first], rows[second])
        fit = minimize(
            _loss,
            centre,
            (y, distances, first, second, centre, spread),
            "L-BFGS-B",
            jac=True,
            bounds=[_LENGTHS] * count + [_VARIANCES, _VARIANCES, _NOISES],
            options={"maxiter": _STEPS, "maxfun": 2 * _STEPS, "ftol": 1e-4},
        )
        return np.asarray(fit.x)

    def _condition(self) -> None:
        self._kernel = _kernel(self._theta)
        covariance = self._covariance(self._rows)
        diagonal = np.diag_indices(len(covariance))
        covariance[diagonal] = self._kernel.variance + math.exp(self._theta[-1]) + _JITTER
        self._factor, bad = dpotrf(covariance, lower=1)
        if bad:
            covariance[diagonal] += 1e-4
            self._factor, _ = dpotrf(covariance, lower=1)
        self._alpha, _ = dpotrs(self._factor, self._y, lower=1)

    def _expected(self, rows: Floats) -> Floats:
        """The prior mean beyond `gloom`: 0 on average over the cube, greater at its ends."""
        return np.asarray(((2 * rows - 1) ** 2 - 1 / 3) @ self._ends)

    def _distances(self, rows: Floats) -> Distances:
        return self._features.distances(self._rows[:, None], rows[None])

    def _covariance(self, rows: Floats) -> Floats:
        """Covariances with the observations, which are the rows."""
        chunks = [rows[n : n + _CHUNK] for n in range(0, len(rows), _CHUNK)]
        return np.hstack([self._kernel(self._distances(chunk)) for chunk in chunks])

    def believe(self, points: Floats, y: float) -> None:
        """Add observations of the standardised loss `y` at the points, without another fit."""
        rows = self._features.rows(points)
        self._rows = np.vstack([self._rows, rows])
        self._y = np.append(self._y, y - self._expected(rows))
        self._condition()

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the standardised loss at the points."""
        rows = self._features.rows(points)
        covariance = self._covariance(rows)
        explained, _ = dtrtrs(self._factor, covariance, lower=1)
        variance = self._kernel.variance - np.sum(explained**2, axis=0)
        mean = self._expected(rows) + self._alpha @ covariance
        return mean, np.sqrt(np.maximum(variance, 1e-10))

    def log_ei(self, points: Floats) -> Floats:
        """Logarithm of the expected improvement on the best: Ament et al., arXiv:2310.20708."""
        mean, deviation = self.predict(points)
        return np.asarray(np.log(deviation) + log_improvement((self.best - mean) / deviation))

    def slopes(self, points: Floats) -> tuple[Floats, Floats]:
        """`log_ei`, and its gradient by the numeric coordinates."""
        rows = self._features.rows(points)
        joint, single, by_feature = self._kernel.parts(self._distances(rows))
        covariance = joint + single
        mean = self._expected(rows) + self._alpha @ covariance
        solved, _ = dpotrs(self._factor, covariance, lower=1)
        variance = np.maximum(self._kernel.variance - np.sum(covariance * solved, axis=0), 1e-10)
        deviation = np.sqrt(variance)
        z = (self.best - mean) / deviation
        value = log_improvement(z)
        by_z = np.exp(np.minimum(log_ndtr(z) - value, 50.0))
        # d log EI = d deviation (1 - z h') / deviation - h' d mean / deviation
        by_mean = -by_z / deviation
        by_variance = (1 - z * by_z) / (2 * variance)
        by_feature *= self._alpha[:, None] * by_mean - 2 * solved * by_variance
        # d covariance / d x = - by_feature (x - x')
        gradient = np.einsum("mg,gmn->ng", self._rows, by_feature)
        gradient -= rows * by_feature.sum(axis=1).T
        gradient += by_mean[:, None] * 4 * (2 * rows - 1) * self._ends
        return np.log(deviation) + value, self._features.gradient_by_coordinates(gradient, points)


def _kernel(theta: Floats) -> Kernel:
    return Kernel(np.exp(theta[:-3]), math.exp(theta[-3]), math.exp(theta[-2]))


def _loss(theta, y, distances, first, second, centre, spread):  # type: ignore[no-untyped-def]
    """The negative log posterior, and its gradient; theta holds logarithms."""
    n = len(y)
    kernel, noise = _kernel(theta), math.exp(theta[-1])
    joint, single, slopes = kernel.parts(distances)
    covariance = np.zeros((n, n))
    covariance[first, second] = joint + single
    covariance[np.arange(n), np.arange(n)] = kernel.variance + noise + _JITTER
    factor, bad = dpotrf(covariance, lower=1)
    if bad:
        return 1e10, np.zeros_like(theta)
    weights, _ = dpotrs(factor, y, lower=1)
    inner, _ = dpotri(factor, lower=1)
    off_diagonal = inner[first, second] - weights[first] * weights[second]
    trace = float((inner.diagonal() - weights * weights).sum())
    gradient = np.empty_like(theta)
    slopes *= distances.squares
    gradient[:-3] = slopes @ off_diagonal
    gradient[-3] = 0.5 * kernel.joint * trace + float(off_diagonal @ joint)
    gradient[-2] = 0.5 * kernel.single * trace + float(off_diagonal @ single)
    gradient[-1] = 0.5 * noise * trace
    value = 0.5 * float(y @ weights) + float(np.log(factor.diagonal()).sum())
    away = (theta - centre) / spread
    return value + 0.5 * float(away @ away), gradient + away / spread
