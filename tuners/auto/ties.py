"""Predicts which points give the same result as a known one and are not worth a trial."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from scipy.special import expit

from tuners.auto.features import Features
from tuners.geometry.axes import Bools, Floats

#: Losses tie if they differ by less than this share of the good half's range.
_SAME = 1e-3
#: How many of the best points are compared in pairs, and how many pairs have to tie.
_POINTS, _PAIRS = 40, 3
#: Mean and standard deviation of the logarithms of the weights, and of the logit of the share of
#: pairs that tie by chance.
_WEIGHTS, _CHANCE = (math.log(3.0), 1.5), (-2.0, 1.5)


class Ties:
    """The probability that a point gives the same loss as a known one.

    Accuracies on few samples come in steps, and some parameters have no effect for some values of
    others: the kind of a penalty whose weight is tiny. Two points that differ by `d` tie with the
    probability c + (1 - c) exp(-w d), where w holds a weight for each feature, small if the
    feature has no effect. w and c are the likeliest ones given the pairs of good points. c, the
    ties by chance, does not count against a point.
    """

    def __init__(self, features: Features, points: Floats, losses: Floats) -> None:
        self._features = features
        self._weights: Floats | None = None
        # Failures share one loss, and losses are often capped: the bad half tells nothing.
        good = np.flatnonzero((losses <= np.median(losses)) & (losses < losses.max()))
        self._rows = features.rows(points[good])
        best = good[np.argsort(losses[good], kind="stable")][:_POINTS]
        first, second = np.tril_indices(len(best), -1)
        within = _SAME * float(np.ptp(losses[good])) if len(good) else 0.0
        tied = np.abs(losses[best[first]] - losses[best[second]]) <= within
        if np.count_nonzero(tied) >= _PAIRS:
            rows = features.rows(points[best])
            self._weights = _weights(features.distances(rows[first], rows[second]).values, tied)

    def probability(self, points: Floats) -> Floats:
        """The probability of a tie at each of the points."""
        if self._weights is None or not len(points):
            return np.zeros(len(points))
        rows, numbers = self._features.rows(points), self._features.ordered
        scale = self._weights[numbers]
        distances = np.zeros((len(rows), len(self._rows)))
        if numbers.any():
            known = self._rows[:, numbers] * scale
            distances += cdist(rows[:, numbers] * scale, known, "cityblock")
        for word in np.flatnonzero(~numbers):
            differs = np.abs(rows[:, None, word] - self._rows[None, :, word]) > 1e-9
            distances += self._weights[word] * differs
        return np.asarray(np.exp(-distances.min(axis=1)))


def _weights(distances: Floats, tied: Bools) -> Floats:
    # Start with small weights: with large ones all pairs look far apart, and the slope is 0.
    start = np.append(np.zeros(len(distances)), _CHANCE[0])
    fit = minimize(_loss, start, (distances, tied), "L-BFGS-B", jac=True, options={"maxiter": 40})
    return np.asarray(np.exp(fit.x[:-1]))


def _loss(theta: Floats, distances: Floats, tied: Bools) -> tuple[float, Floats]:
    """The negative log posterior and its gradient; theta holds log weights and the logit of c."""
    weights, chance = np.exp(np.clip(theta[:-1], -20, 20)), float(expit(theta[-1]))
    same = np.exp(-weights @ distances)
    probability = np.clip(chance + (1 - chance) * same, 1e-9, 1 - 1e-9)
    slope = np.where(tied, -1 / probability, 1 / (1 - probability))
    by_weight = -(1 - chance) * (distances @ (slope * same)) * weights
    by_chance = float((slope * (1 - same)).sum()) * chance * (1 - chance)
    centre, spread = (
        np.append(np.full(len(weights), w), c) for w, c in zip(_WEIGHTS, _CHANCE, strict=True)
    )
    away = (theta - centre) / spread
    value = -float(np.log(np.where(tied, probability, 1 - probability)).sum())
    return value + 0.5 * float(away @ away), np.append(by_weight, by_chance) + away / spread
