"""The Gaussian process of `auto`: fitted and searched in milliseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs, dtrtrs
from scipy.optimize import minimize
from scipy.special import log_ndtr

from tuners.auto_features import Features
from tuners.axes import Floats, Ints
from tuners.gp import log_improvement

_ROOT5 = math.sqrt(5.0)
_JITTER = 1e-8
_NOISE, _NOISE_SPREAD = -6.0, 2.0
_LOWEST, _HIGHEST = -6.0, 5.0
_STEPS = 30


@dataclass(frozen=True, slots=True)
class Prior:
    """Length scales are log-normal around `length` times the root of the number of dimensions.

    Hvarfner, Hellsten and Nardi, arXiv:2402.02229, who take e ** 1.41: too smooth for few trials.
    """

    length: float = 0.4
    spread: float = 1.0

    def centre(self, dimensions: int) -> float:
        return math.log(self.length * math.sqrt(dimensions))


class Process:
    """A Matérn-5/2 process of mean zero over standardised losses, a length scale a feature.

    Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006: equations 2.25, 2.26,
    4.17 and 5.9.
    """

    def __init__(
        self, features: Features, points: Floats, y: Floats, prior: Prior, fitted: Ints
    ) -> None:
        """Learn all the points; lengths and variances from those of the numbers `fitted` alone."""
        self._features, self._prior = features, prior
        self._inputs = features.columns(points)
        self._y = (y - y.mean()) / (float(y.std()) or 1.0)
        self.best = float(self._y.min())
        self._theta = self._fit(fitted)
        self._condition()

    @property
    def _centre(self) -> Floats:
        groups = self._features.groups
        return np.append(np.full(groups, self._prior.centre(groups)), [0.0, _NOISE])

    def _fit(self, fitted: Ints) -> Floats:
        groups = self._features.groups
        one, other = np.tril_indices(len(fitted), -1)
        squares = self._features.squares(self._inputs[fitted], one, other)
        spread = np.append(np.full(groups, self._prior.spread), [1.0, _NOISE_SPREAD])
        centre = self._centre
        found = minimize(
            self._loss,
            centre,
            (self._y[fitted], squares, one, other, centre, spread),
            "L-BFGS-B",
            jac=True,
            bounds=[(_LOWEST, _HIGHEST)] * groups + [(-4.0, 4.0), (-14.0, 2.0)],
            options={"maxiter": _STEPS, "maxfun": 2 * _STEPS, "ftol": 1e-4},
        )
        return np.asarray(found.x)

    def _loss(self, theta, y, squares, one, other, centre, spread):  # type: ignore[no-untyped-def]
        """Minus the log posterior, and its gradient."""
        n = len(y)
        inverse = np.exp(-2 * theta[:-2])
        signal, noise = math.exp(theta[-2]), math.exp(theta[-1]) + _JITTER
        r = _ROOT5 * np.sqrt(inverse @ squares)
        decay = np.exp(-r)
        flat = (1 + r + r * r / 3) * decay
        kernel = np.zeros((n, n))
        kernel[one, other] = signal * flat
        kernel[np.arange(n), np.arange(n)] = signal + noise
        factor, bad = dpotrf(kernel, lower=1, overwrite_a=0)
        if bad:
            return 1e10, np.zeros_like(theta)
        weights, _ = dpotrs(factor, y, lower=1)
        inner, _ = dpotri(factor, lower=1)
        diagonal = inner.diagonal() - weights * weights
        off = inner[one, other] - weights[one] * weights[other]
        gradient = np.empty_like(theta)
        gradient[:-2] = signal * inverse * (squares @ (off * (5 / 3 * (1 + r) * decay)))
        trace = float(diagonal.sum())
        gradient[-2] = signal * (0.5 * trace + float(off @ flat))
        gradient[-1] = 0.5 * math.exp(theta[-1]) * trace
        value = 0.5 * float(y @ weights) + float(np.log(factor.diagonal()).sum())
        away = (theta - centre) / spread
        return value + 0.5 * float(away @ away), gradient + away / spread

    def _condition(self) -> None:
        self._weight = self._features.weights(np.exp(-self._theta[:-2]))
        self._signal = math.exp(self._theta[-2])
        self._scaled = self._inputs * self._weight
        self._squared = np.sum(self._scaled**2, axis=1)
        kernel = self._signal * self._cross(self._scaled)[0]
        kernel[np.diag_indices(len(kernel))] += math.exp(self._theta[-1]) + _JITTER
        self._factor, bad = dpotrf(kernel, lower=1)
        if bad:
            kernel[np.diag_indices(len(kernel))] += 1e-4
            self._factor, _ = dpotrf(kernel, lower=1)
        self._alpha, _ = dpotrs(self._factor, self._y, lower=1)

    def _cross(self, scaled: Floats) -> tuple[Floats, Floats]:
        """The kernel without its signal, a row an observation; and its slope."""
        squares = self._squared[:, None] + np.sum(scaled**2, axis=1) - 2 * (self._scaled @ scaled.T)
        r = _ROOT5 * np.sqrt(np.maximum(squares, 0.0))
        decay = np.exp(-r)
        slope = (1 + r) * decay
        return slope + r * r / 3 * decay, slope

    def believe(self, points: Floats, y: float) -> None:
        """Take in that `y`, standardised, was observed at the points, without another fit."""
        self._inputs = np.vstack([self._inputs, self._features.columns(points)])
        self._y = np.append(self._y, np.full(len(points), y))
        self._condition()

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation at the points, standardised."""
        kernel, _ = self._cross(self._features.columns(points) * self._weight)
        explained, _ = dtrtrs(self._factor, self._signal * kernel, lower=1)
        variance = self._signal - np.sum(explained**2, axis=0)
        return self._signal * (self._alpha @ kernel), np.sqrt(np.maximum(variance, 1e-10))

    def log_ei(self, points: Floats) -> Floats:
        """The logarithm of the expected improvement on the best: Ament et al., arXiv:2310.20708."""
        mean, deviation = self.predict(points)
        return np.asarray(np.log(deviation) + log_improvement((self.best - mean) / deviation))

    def slopes(self, points: Floats) -> tuple[Floats, Floats]:
        """`log_ei`, and its gradient by the plain numeric coordinates."""
        scaled = self._features.columns(points) * self._weight
        kernel, slope = self._cross(scaled)
        kernel *= self._signal
        mean = self._alpha @ kernel
        solved, _ = dpotrs(self._factor, kernel, lower=1)
        variance = np.maximum(self._signal - np.sum(kernel * solved, axis=0), 1e-10)
        deviation = np.sqrt(variance)
        z = (self.best - mean) / deviation
        value = log_improvement(z)
        by_z = np.exp(np.minimum(log_ndtr(z) - value, 50.0))
        # d log EI = d deviation (1 - z h') / deviation - h' d mean / deviation
        by_mean = -by_z / deviation
        by_variance = (1 - z * by_z) / (2 * variance)
        # d kernel / d x = -5/3 signal slope (x - x')
        pull = (
            -5
            / 3
            * self._signal
            * slope
            * (self._alpha[:, None] * by_mean - 2 * solved * by_variance)
        )
        columns = scaled * pull.sum(axis=0)[:, None] - pull.T @ self._scaled
        gradient = self._features.back(columns * self._weight, points.shape[1])
        return np.log(deviation) + value, gradient
