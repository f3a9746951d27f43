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

#: Length scales are log-normal around this times the root of the number of dimensions:
#: Hvarfner, Hellsten and Nardi, arXiv:2402.02229, who take e ** 1.41, too smooth for few trials.
_LENGTH = 0.4
_NOISE, _NOISE_SPREAD = -6.0, 2.0
_JITTER = 1e-8


class GaussianProcess:
    """A zero-mean process with a Matérn kernel, its own length scale for each dimension.

    Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006: equations 2.25 and
    2.26 for the prediction, 4.17 for the kernel, 5.9 for the gradient. Two options of a choice
    are as far apart as the two ends of a numeric dimension. `nu` is 0.5, 1.5 or 2.5; `alpha` is
    a noise variance on top of the fitted one, in units of the variance of `y`.
    """

    def __init__(
        self, points: Floats, y: Floats, choices: Mapping[int, int], *, nu: float, alpha: float
    ) -> None:
        self._choices, self._nu, self._alpha = choices, nu, alpha
        self._points = points
        self._mean, self._scale = float(y.mean()), float(y.std()) or 1.0
        self._y = (y - self._mean) / self._scale
        start = np.append(np.full(points.shape[1], self._centre), [0.0, _NOISE])
        squares = np.stack([self._apart(points, points, d) for d in range(points.shape[1])])
        bounds = [(-5.0, 5.0)] * points.shape[1] + [(-4.0, 4.0), (-14.0, 2.0)]
        found = minimize(
            self._loss,
            start,
            (squares,),
            "L-BFGS-B",
            jac=True,
            bounds=bounds,
            options={"maxiter": 30},
        )
        self._condition(found.x)

    @property
    def _centre(self) -> float:
        return math.log(_LENGTH * math.sqrt(self._points.shape[1]))

    def _apart(self, one: Floats, other: Floats, dimension: int) -> Floats:
        difference = one[:, None, dimension] - other[None, :, dimension]
        return np.asarray(difference != 0, float) if dimension in self._choices else difference**2

    def _matern(self, squares: Floats) -> tuple[Floats, Floats]:
        """The kernel, and its derivative by minus half of the logarithm of the squares."""
        root = math.sqrt(2 * self._nu)
        r = root * np.sqrt(squares)
        decay = np.exp(-r)
        if self._nu == 0.5:
            return decay, decay / np.maximum(r, 1e-12)
        if self._nu == 1.5:
            return (1 + r) * decay, 3 * decay
        return (1 + r + r * r / 3) * decay, 5 / 3 * (1 + r) * decay

    def _loss(self, theta: Floats, squares: Floats) -> tuple[float, Floats]:
        """Minus the log posterior of (log lengths, log signal, log noise), and its gradient."""
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
        """Columns whose squared distances are those of the kernel; a choice has one an option."""
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

    def _kernel(self, one: Floats, other: Floats) -> Floats:
        squares = cdist(one, other, "sqeuclidean")
        return np.asarray(math.exp(self._theta[-2]) * self._matern(squares)[0])

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the process, without noise, in the unit of `y`."""
        cross = self._kernel(self._inputs, self._scaled(points))
        explained = solve_triangular(self._factor[0], cross, lower=True)
        variance = math.exp(self._theta[-2]) - np.sum(explained**2, axis=0)
        deviation = np.sqrt(np.maximum(variance, 1e-12))
        return self._mean + self._scale * (cross.T @ self._weights), self._scale * deviation

    def given(self, points: Floats, y: Floats) -> GaussianProcess:
        """This process, its lengths and variances as they are, after more observations."""
        more = copy.copy(self)
        more._points = np.vstack([self._points, points])
        more._y = np.append(self._y, (y - self._mean) / self._scale)
        more._condition(self._theta)
        return more
