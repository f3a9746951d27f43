"""Parzen density estimates: a kernel for each observation and one for the prior."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from annotate.domains import Choice
from tuners.geometry.axes import Axis, Floats, Ints, axis
from tuners.geometry.coordinates import Coordinate, snap

#: How many of the newest observations keep their full weight; the number is hyperopt's.
REMEMBERED = 25


class Parzen:
    """A mixture of kernels, each a product over coordinates that every observation has.

    `observed` has a row of levels for each observation, in the order of the coordinates.

    The last kernel is the prior's. Bandwidths and the forgetting of old observations are
    hyperopt's. Drawing from whole observations preserves the dependence between coordinates
    (Falkner, Klein and Hutter, BOHB, ICML 2018, section 4.1).

    `option_weight` is what the prior adds to each option of a choice in each kernel; the observed
    option has 1. By default, the kernels share the prior's weight equally. The newest `remembered`
    observations keep their full weight.
    """

    def __init__(
        self,
        coordinates: Sequence[Coordinate],
        observed: Floats,
        prior_weight: float,
        option_weight: float | None = None,
        *,
        remembered: int = REMEMBERED,
    ) -> None:
        # Importing hyperopt takes a second; do it only before the first estimate.
        from hyperopt.tpe import linear_forgetting_weights

        weights = linear_forgetting_weights(len(observed), remembered)
        self._weights = np.append(weights, prior_weight)
        self._weights /= self._weights.sum()
        added = prior_weight / len(self._weights) if option_weight is None else option_weight
        self._kernels = [
            _kernels(c, observed[:, column], added) for column, c in enumerate(coordinates)
        ]

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """Draw `count` rows of levels, in the order of the coordinates."""
        which = rng.choice(len(self._weights), size=count, p=self._weights)
        return np.column_stack([kernels.draw(which, rng) for kernels in self._kernels])

    def log_density(self, rows: Floats) -> Floats:
        """The log density of each row of levels."""
        total = np.tile(np.log(self._weights), (len(rows), 1))
        for column, kernels in enumerate(self._kernels):
            total += kernels.log_density(rows[:, column])
        top = total.max(axis=1, keepdims=True)
        return np.asarray(top[:, 0] + np.log(np.exp(total - top).sum(axis=1)))


class _Kernels(ABC):
    """One coordinate's factor in every kernel."""

    @abstractmethod
    def draw(self, which: Ints, rng: np.random.Generator) -> Floats:
        """Draw a level from each kernel in `which`."""

    @abstractmethod
    def log_density(self, levels: Floats) -> Floats:
        """Log densities: a row for each level, a column for each kernel."""


class _Options(_Kernels):
    """Probabilities of a choice's options: `added` for each, and 1 more for the observed one."""

    def __init__(self, count: int, observed: Floats, added: float) -> None:
        self._p = np.full((len(observed) + 1, count), added)
        self._p[np.arange(len(observed)), observed.astype(int)] += 1
        self._p /= self._p.sum(axis=1, keepdims=True)

    def draw(self, which: Ints, rng: np.random.Generator) -> Floats:
        below = self._p.cumsum(axis=1)[which] < rng.random((len(which), 1))
        most = self._p.shape[1] - 1
        return np.asarray(below.sum(axis=1).clip(max=most), dtype=float)

    def log_density(self, levels: Floats) -> Floats:
        return np.asarray(np.log(self._p[:, levels.astype(int)]).T)


class _Normals(_Kernels):
    """Normal kernels truncated at the axis's bounds, integrated over what rounds to each level."""

    def __init__(self, c: Coordinate, observed: Floats) -> None:
        self._axis, self._domain = axis(c.domain), c.domain
        centres = self._axis.positions(observed)
        self._mu = np.append(centres, self._axis.mean)
        self._sigma = np.append(_bandwidths(centres, self._axis), self._axis.width)
        self._first = ndtr((self._axis.low - self._mu) / self._sigma)
        self._mass = ndtr((self._axis.high - self._mu) / self._sigma) - self._first

    def draw(self, which: Ints, rng: np.random.Generator) -> Floats:
        share = self._first[which] + rng.random(len(which)) * self._mass[which]
        positions = self._mu[which] + self._sigma[which] * ndtri(share)
        levels = self._axis.levels(np.clip(positions, self._axis.low, self._axis.high))
        return np.array([snap(self._domain, float(level)) for level in levels], dtype=float)

    def log_density(self, levels: Floats) -> Floats:
        if self._axis.step:
            first, last = self._axis.cell(levels)
            inside = self._below(last) - self._below(first)
            return np.asarray(np.log(np.maximum(inside, np.finfo(float).tiny) / self._mass))
        z = (self._axis.positions(levels)[:, None] - self._mu) / self._sigma
        return np.asarray(-0.5 * z * z - np.log(self._sigma * self._mass))

    def _below(self, positions: Floats) -> Floats:
        return np.asarray(ndtr((positions[:, None] - self._mu) / self._sigma))


def _kernels(c: Coordinate, observed: Floats, added: float) -> _Kernels:
    if isinstance(c.domain, Choice):
        return _Options(len(c.domain.options), observed, added)
    return _Normals(c, observed)


def _bandwidths(positions: Floats, axis: Axis) -> Floats:
    """hyperopt's bandwidths, in the order of `positions`.

    hyperopt puts the prior among the positions. Here it lies on the lowest one, so that it widens
    no bandwidth.
    """
    if not len(positions):
        return positions
    from hyperopt.tpe import adaptive_parzen_normal

    _, _, sigmas = adaptive_parzen_normal(positions, 1.0, positions.min(), axis.width)
    bandwidths = np.empty(len(positions))
    bandwidths[np.argsort(positions)] = np.delete(sigmas, int(len(positions) == 1))
    return bandwidths
