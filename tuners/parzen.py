"""A Parzen estimate of a density over coordinates: a kernel for each observation and the prior."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from annotate.domains import Choice
from tuners.geometry.axes import Axis, Floats, Ints, axis
from tuners.geometry.coordinates import Coordinate, Levels, snap

#: The newest observations that are not forgotten; hyperopt's own number.
_REMEMBERED = 25


class Parzen:
    """A mixture of kernels, each a product over the coordinates, which every observation has.

    The last kernel is the prior's. Bandwidths and the forgetting of old observations are
    hyperopt's. Drawing from whole observations keeps what the coordinates have to do with each
    other (Falkner, Klein and Hutter, BOHB, ICML 2018, section 4.1).

    `option_weight` is what the prior adds to each option of a choice in each kernel, where the
    observed one has 1; by default the prior's weight is shared out among the kernels.
    """

    def __init__(
        self,
        coordinates: Sequence[Coordinate],
        observed: Sequence[Levels],
        prior_weight: float,
        option_weight: float | None = None,
    ) -> None:
        # hyperopt takes a second to import: not before the first estimate.
        from hyperopt.tpe import linear_forgetting_weights

        weights = linear_forgetting_weights(len(observed), _REMEMBERED)
        self._weights = np.append(weights, prior_weight)
        self._weights /= self._weights.sum()
        added = prior_weight / len(self._weights) if option_weight is None else option_weight
        self._kernels = [
            _kernels(c, np.array([levels[c.number] for levels in observed]), added)
            for c in coordinates
        ]

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """`count` rows of levels, in the order of the coordinates."""
        which = rng.choice(len(self._weights), size=count, p=self._weights)
        return np.column_stack([kernels.draw(which, rng) for kernels in self._kernels])

    def log_density(self, rows: Floats) -> Floats:
        """Of each row of levels."""
        total = np.tile(np.log(self._weights), (len(rows), 1))
        for column, kernels in enumerate(self._kernels):
            total += kernels.log_density(rows[:, column])
        top = total.max(axis=1, keepdims=True)
        return np.asarray(top[:, 0] + np.log(np.exp(total - top).sum(axis=1)))


class _Kernels(ABC):
    """One coordinate's part of every kernel."""

    @abstractmethod
    def draw(self, which: Ints, rng: np.random.Generator) -> Floats:
        """A level from each of the kernels named."""

    @abstractmethod
    def log_density(self, levels: Floats) -> Floats:
        """A row for each level, a column for each kernel."""


class _Options(_Kernels):
    """Probabilities of a choice's options: the observed one has 1 and what is added to all."""

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
    """Normal kernels, cut off at the axis's bounds, over what rounds to each level."""

    def __init__(self, c: Coordinate, observed: Floats) -> None:
        self._axis, self._domain = axis(c.domain), c.domain
        at = self._axis.positions(observed)
        self._mu = np.append(at, self._axis.mean)
        self._sigma = np.append(_bandwidths(at, self._axis), self._axis.width)
        self._first = ndtr((self._axis.low - self._mu) / self._sigma)
        self._mass = ndtr((self._axis.high - self._mu) / self._sigma) - self._first

    def draw(self, which: Ints, rng: np.random.Generator) -> Floats:
        share = self._first[which] + rng.random(len(which)) * self._mass[which]
        at = self._mu[which] + self._sigma[which] * ndtri(share)
        levels = self._axis.levels(np.clip(at, self._axis.low, self._axis.high))
        return np.array([snap(self._domain, float(level)) for level in levels], dtype=float)

    def log_density(self, levels: Floats) -> Floats:
        if self._axis.step:
            first, last = self._axis.cell(levels)
            inside = self._below(last) - self._below(first)
            return np.asarray(np.log(np.maximum(inside, np.finfo(float).tiny) / self._mass))
        z = (self._axis.positions(levels)[:, None] - self._mu) / self._sigma
        return np.asarray(-0.5 * z * z - np.log(self._sigma * self._mass))

    def _below(self, at: Floats) -> Floats:
        return np.asarray(ndtr((at[:, None] - self._mu) / self._sigma))


def _kernels(c: Coordinate, observed: Floats, added: float) -> _Kernels:
    if isinstance(c.domain, Choice):
        return _Options(len(c.domain.options), observed, added)
    return _Normals(c, observed)


def _bandwidths(at: Floats, axis: Axis) -> Floats:
    """hyperopt's, in the order of `at`.

    The prior that it puts between the positions is laid upon the lowest, where it widens none.
    """
    if not len(at):
        return at
    from hyperopt.tpe import adaptive_parzen_normal

    _, _, sigmas = adaptive_parzen_normal(at, 1.0, at.min(), axis.width)
    found = np.empty(len(at))
    found[np.argsort(at)] = np.delete(sigmas, int(len(at) == 1))
    return found
