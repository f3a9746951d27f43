"""SMAC: expected improvement by a random forest."""

from __future__ import annotations

import numpy as np
from ConfigSpace import ConfigurationSpace, Float
from smac.model.random_forest import RandomForest

from annotate.space import SearchSpace, Values
from tuners.arguments import at_least, between
from tuners.fresh import FreshTuner
from tuners.geometry.axes import Floats
from tuners.geometry.latin_hypercube import spread
from tuners.gp import log_improvement
from tuners.surrogate import Surrogate

#: Random points at which the search starts, and points from which it continues.
_RANDOM, _STARTS = 2000, 10
#: More than the number of results. A tree allocates memory for all of its leaves: smac's own
#: limit, a million, costs a tenth of a second per tree.
_MOST_LEAVES = 500


class SMAC(FreshTuner):
    """Proposes the point where a random forest expects the greatest improvement.

    Hutter, Hoos and Leyton-Brown, Sequential Model-Based Optimization for General Algorithm
    Configuration, LION 2011, section 4: the forest gives mean and variance over its trees; the
    expected improvement, equation 3, is searched at random points and from the best results by
    local steps. NNI's page Tuner/SmacTuner.

    The forest is that of the package smac with the settings of its hyperparameter facade: 10
    trees, all features at each split. smac's own search, which visits configurations one by one,
    is replaced by that of our Gaussian processes. The first `cold_start_num` points are a Latin
    hypercube; a share `random_fraction` of the later ones is drawn at random. `config_dedup` is
    accepted for NNI: a point of a finite space is never repeated anyway.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        cold_start_num: int = 10,
        random_fraction: float = 0.1,
        config_dedup: bool = False,
    ) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        at_least("cold_start_num", cold_start_num, 1)
        between("random_fraction", random_fraction, 0, 1)
        self._cold, self._random = cold_start_num, random_fraction
        self._forest = Forest(space, seed)

    def propose(self, rng: np.random.Generator) -> Values | None:
        count = len(self.results) + len(self.pending)
        forest = self._forest
        if len(self.results) < self._cold or not forest.learn(self.results, self.pending):
            return spread(forest.cube, self._cold, count, self.seed, rng)
        if rng.random() < self._random:
            return self.space.sample(rng)
        points = forest.search(forest.improvement, _RANDOM, _STARTS, rng)
        proposals = map(forest.cube.values, points)
        return next((values for values in proposals if not self.knows(values)), None)


class Forest(Surrogate):
    """smac's random forest over the unit cube of a space."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(space, nu=0.0, alpha=0.0)
        self._seed = abs(seed) % 2**31
        self._axes = ConfigurationSpace(
            {f"{n:04}": Float(f"{n:04}", (0.0, 1.0)) for n in range(self.cube.dimensions)}
        )

    def fit(self, points: Floats, y: Floats) -> None:
        self._fitted = points, y
        self._forest = RandomForest(
            self._axes,
            n_trees=10,
            ratio_features=1.0,
            min_samples_split=2,
            min_samples_leaf=1,
            max_leaf_nodes=_MOST_LEAVES,
            n_jobs=1,
            seed=self._seed,
        )
        self._forest.train(points, y)

    def believe(self, points: Floats) -> None:
        known, y = self._fitted
        mean, _ = self.predict(points)
        self.fit(np.vstack([known, points]), np.append(y, mean))

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        mean, variance = self._forest.predict_marginalized(points)
        return mean[:, 0], np.sqrt(np.maximum(variance[:, 0], 1e-12 * self.unit**2))

    def improvement(self, points: Floats) -> Floats:
        """The logarithm of the expected improvement over the least loss."""
        mean, deviation = self.predict(points)
        score = (self._least - mean) / deviation
        return np.asarray(np.log(deviation) + log_improvement(score))

    @property
    def _least(self) -> float:
        return float(self._fitted[1].min())
