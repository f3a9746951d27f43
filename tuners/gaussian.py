"""Gaussian process regression on points of the unit cube."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from tuners.geometry.axes import Floats

#: The prior of length scales is log-normal around this times the square root of the number of
#: dimensions: Hvarfner, Hellsten and Nardi, arXiv:2402.02229, whose e ** 1.41 is too smooth for
#: few trials.
_LENGTH = 0.4
_NOISE, _NOISE_SPREAD = -6.0, 2.0
_JITTER = 1e-8


class GaussianProcess:
    """A zero-mean process with a Matérn kernel and a length scale for each dimension.

    Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006: equations 2.25 and
    2.26 for the prediction, 4.17 for the kernel, 5.9 for the gradient. Two options of a choice
    are as far apart as the two ends of a numeric dimension. `nu` is 0.5, 1.5 or 2.5; `alpha` is
    a noise variance added to the fitted one, in units of the variance of `y`.
    """

    def __init__(
        self, points: Floats, y: Floats, choices: Mapping[int, int], *, nu: float, alpha: float
    ) -> None:
        self._choices, self._nu, self._alpha = choices, nu, alpha
        self._points = points
        self._mean, self._scale = float(y.mean()), float(y.std()) or 1.0
        self._y = (y - self._mean) / self._scale
        start = np.append(np.full(points.shape[1], self._centre), [0.0, _NOISE])
        squares = np.stack([self._squares(points, points, d) for d in range(points.shape[1])])
        bounds = [(-5.0, 5.0)] * points.shape[1] + [(-4.0, 4.0), (-14.0, 2.0)]
        fit = minimize(
            self._loss,
            start,
            (squares,),
            "L-BFGS-B",
            jac=True,
            bounds=bounds,
            options={"maxiter": 30},
        )
        self._condition(fit.x)

    @property
    def _centre(self) -> float:
        return math.log(_LENGTH * math.sqrt(self._points.shape[1]))

    def _squares(self, first: Floats, second: Floats, dimension: int) -> Floats:
        difference = first[:, None, dimension] - second[None, :, dimension]
        return np.asarray(difference != 0, float) if dimension in self._choices else difference**2

    def _matern(self, squares: Floats) -> tuple[Floats, Floats]:
        """The kernel, and its derivative by minus half the logarithm of the squared distance."""
        root = math.sqrt(2 * self._nu)
        r = root * np.sqrt(squares)
        decay = np.exp(-r)
        if self._nu == 0.5:
            return decay, decay / np.maximum(r, 1e-12)
        if self._nu == 1.5:
            return (1 + r) * decay, 3 * decay
        return (1 + r + r * r / 3) * decay, 5 / 3 * (1 + r) * decay

    def _loss(self, theta: Floats, squares: Floats) -> tuple[float, Floats]:
        """The negative log posterior of (log lengths, log signal, log noise), and its gradient."""
        inverse = np.exp(-2 * theta[:-2])
        signal, noise = np.exp(theta[-2:])
        shape, slope = self._matern(np.tensordot(inverse, squares, 1))
        n = len(self._y)
        try:
            factor = cho_factor(
                signal * shape + (noise + self._alpha + _JITTER) * np.eye(n), lower=True
            )
        except np.linalg.LinAlgError:
            return 1e10, np.zeros_like(theta)
        weights = cho_solve(factor, self._y)
        inner = cho_solve(factor, np.eye(n)) - np.outer(weights, weights)
        gradient = np.empty_like(theta)
        by_slope = (inner * slope).ravel()
        gradient[:-2] = 0.5 * signal * inverse * (squares.reshape(len(inverse), -1) @ by_slope)
        gradient[-2] = 0.5 * signal * np.sum(inner * shape)
        gradient[-1] = 0.5 * noise * np.trace(inner)
        value = 0.5 * self._y @ weights + np.log(np.diag(factor[0])).sum()
        away = (theta - self._prior) / self._spread
        return float(value + 0.5 * away @ away), gradient + away / self._spread

    @property
    def _prior(self) -> Floats:
        return np.append(np.full(self._points.shape[1], self._centre), [0.0, _NOISE])

    @property
    def _spread(self) -> Floats:
        return np.append(np.ones(self._points.shape[1] + 1), _NOISE_SPREAD)

    def _condition(self, theta: Floats) -> None:
        self._theta = theta
        self._inputs = self._scaled(self._points)
        noise = math.exp(theta[-1]) + self._alpha + _JITTER
        kernel = self._kernel(self._inputs, self._inputs) + noise * np.eye(len(self._points))
        self._factor = cho_factor(kernel, lower=True)
        self._weights = cho_solve(self._factor, self._y)

    def _scaled(self, points: Floats) -> Floats:
        """Columns whose squared distances the kernel takes; a choice has one for each option."""
        lengths = np.exp(self._theta[:-2])
        columns = []
        for d, length in enumerate(lengths):
            column = points[:, d : d + 1]
            if d in self._choices:
                options = (np.arange(self._choices[d]) + 0.5) / self._choices[d]
                columns.append(np.isclose(column, options) / (length * math.sqrt(2)))
            else:
                columns.append(column / length)
        return np.hstack(columns)

    def _kernel(self, first: Floats, second: Floats) -> Floats:
        squares = cdist(first, second, "sqeuclidean")
        return np.asarray(math.exp(self._theta[-2]) * self._matern(squares)[0])

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the process, excluding noise, in the unit of `y`."""
        cross = self._kernel(self._inputs, self._scaled(points))
        explained = solve_triangular(self._factor[0], cross, lower=True)
        variance = math.exp(self._theta[-2]) - np.sum(explained**2, axis=0)
        deviation = np.sqrt(np.maximum(variance, 1e-12))
        return self._mean + self._scale * (cross.T @ self._weights), self._scale * deviation

    def with_observations(self, points: Floats, y: Floats) -> GaussianProcess:
        """This process after more observations, with the same lengths and variances."""
        updated = copy.copy(self)
        updated._points = np.vstack([self._points, points])
        updated._y = np.append(self._y, (y - self._mean) / self._scale)
        updated._condition(self._theta)
        return updated
