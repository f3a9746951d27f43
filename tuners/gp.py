"""Bayesian optimisation with a Gaussian process."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from annotate.space import SearchSpace, Values
from tuners.arguments import at_least
from tuners.base import TunerError
from tuners.fresh import FreshTuner
from tuners.geometry.axes import Floats
from tuners.geometry.latin_hypercube import spread
from tuners.surrogate import Surrogate


class GPTuner(FreshTuner):
    """Proposes the point of greatest utility under a Gaussian process.

    Snoek, Larochelle and Adams, Practical Bayesian Optimization, NIPS 2012, section 2.2.
    `utility` is `ei`, the expected improvement over the best prediction by more than `xi`; `poi`,
    the probability of such an improvement; or `ucb`, the mean and `kappa` standard deviations.
    NNI's page Tuner/GPTuner.

    The first `cold_start_num` points are a Latin hypercube. From then on, the utility is evaluated
    at `selection_num_warm_up` random points and near the results, and improved by a local search
    from the best `selection_num_starting_points`. Unlike NNI's, this tuner takes every domain.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        utility: Literal["ei", "ucb", "poi"] = "ei",
        kappa: float = 5.0,
        xi: float = 0.0,
        nu: float = 2.5,
        alpha: float = 1e-6,
        cold_start_num: int = 10,
        selection_num_warm_up: int = 2000,
        selection_num_starting_points: int = 5,
    ) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        for name, value in (("kappa", kappa), ("xi", xi), ("alpha", alpha)):
            at_least(name, value, 0)
        if nu not in (0.5, 1.5, 2.5):
            raise TunerError(f"nu must be 0.5, 1.5 or 2.5, not {nu}")
        at_least("cold_start_num", cold_start_num, 1)
        at_least("selection_num_warm_up", selection_num_warm_up, 1)
        at_least("selection_num_starting_points", selection_num_starting_points, 1)
        self._utility, self._kappa, self._xi = utility, kappa, xi
        self._warm_up, self._starts = selection_num_warm_up, selection_num_starting_points
        self._cold = cold_start_num
        self._surrogate = Surrogate(space, nu=nu, alpha=alpha)

    def propose(self, rng: np.random.Generator) -> Values | None:
        surrogate = self._surrogate
        if len(self.results) < self._cold or not surrogate.learn(self.results, self.pending):
            return spread(
                surrogate.cube, self._cold, len(self.results) + len(self.pending), self.seed, rng
            )
        best = surrogate.best_mean()

        def utility(points: Floats) -> Floats:
            mean, deviation = surrogate.predict(points)
            if self._utility == "ucb":
                return self._kappa * deviation - mean
            score = (best - mean - self._xi * surrogate.unit) / deviation
            if self._utility == "poi":
                return np.asarray(log_ndtr(score))
            return np.log(deviation) + log_improvement(score)

        points = surrogate.search(utility, self._warm_up, self._starts, rng)
        proposals = map(surrogate.cube.values, points)
        return next((values for values in proposals if not self.knows(values)), None)


def log_improvement(score: Floats) -> Floats:
    """log(phi(z) + z Phi(z)), accurate far below 0: Ament et al., arXiv:2310.20708, equation 9."""
    density = -0.5 * score**2 - 0.5 * np.log(2 * np.pi)
    near = np.maximum(score, -5.0)
    plain = np.log(np.exp(-0.5 * near**2) / np.sqrt(2 * np.pi) + near * ndtr(near))
    far = -np.minimum(score, -5.0)
    tail = np.log1p(-far * np.sqrt(np.pi / 2) * erfcx(far / np.sqrt(2)))
    return np.asarray(np.where(score > -5.0, plain, density + tail))
