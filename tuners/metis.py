"""Metis: Gaussian process optimisation by information about the optimum."""

from __future__ import annotations

from typing import Literal

import numpy as np

from annotate.space import SearchSpace, Values
from tuners.arguments import at_least, between
from tuners.fresh import FreshTuner
from tuners.geometry.axes import Floats
from tuners.geometry.latin_hypercube import spread
from tuners.parzen import Parzen
from tuners.surrogate import Surrogate, Utility

#: Share of results that counts as good in the mixture, and the number of results it needs.
_GOOD = 0.2
_ENOUGH = 12
_RANDOM = 1000
#: How many of the best and of the least certain points the optimum may move to.
_PLACES = 200
#: The quantile of a 95 % confidence interval.
_INTERVAL = 1.96


class MetisTuner(FreshTuner):
    """Proposes the candidate that may reveal the most about the optimum.

    Li et al., Metis: Robustly Tuning Tail Latencies of Cloud Systems, USENIX ATC 2018.
    NNI's page Tuner/MetisTuner.

    A Gaussian process predicts the optimum. The candidates are the predicted optimum, the point
    where the process is least certain, and the point that is likeliest under a mixture of the
    good results compared with one of the bad results. For each candidate, the process is told a
    result at the lower end of its 95 % interval; the candidate after which the predicted optimum
    is best is proposed. With probability 1 - `exploration_probability`, or always with
    `no_candidates`, the predicted optimum itself is proposed if it is new.

    The paper's fourth kind of candidate, repeating an outlier, is missing (as by default in NNI):
    `no_resampling` can only be true. Unlike NNI's, this tuner takes every domain.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        no_resampling: Literal[True] = True,
        no_candidates: bool = False,
        selection_num_starting_points: int = 5,
        cold_start_num: int = 10,
        exploration_probability: float = 0.9,
    ) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        at_least("selection_num_starting_points", selection_num_starting_points, 1)
        at_least("cold_start_num", cold_start_num, 1)
        between("exploration_probability", exploration_probability, 0, 1)
        self._starts, self._cold = selection_num_starting_points, cold_start_num
        self._explore = 0.0 if no_candidates else exploration_probability
        self._surrogate = Surrogate(space, nu=2.5, alpha=1e-6)

    def propose(self, rng: np.random.Generator) -> Values | None:
        number, surrogate = len(self.results) + len(self.pending), self._surrogate
        if len(self.results) < self._cold or not surrogate.learn(self.results, self.pending):
            return spread(surrogate.cube, self._cold, number, self.seed, rng)
        good = self._search(lambda points: -surrogate.predict(points)[0], rng)
        optimum = surrogate.cube.values(good[0])
        if rng.random() >= self._explore and not self.knows(optimum):
            return optimum
        unsure = self._search(lambda points: surrogate.predict(points)[1], rng)
        candidates = [self._first_new(good), self._first_new(unsure), self._likeliest(rng)]
        new = [v for v in candidates if v is not None and not self.knows(v)]
        places = np.vstack([good[:_PLACES], unsure[:_PLACES]])
        return min(new, key=lambda values: self._promise(values, places), default=None)

    def _search(self, utility: Utility, rng: np.random.Generator) -> Floats:
        return self._surrogate.search(utility, _RANDOM, self._starts, rng)

    def _first_new(self, points: Floats) -> Values | None:
        proposals = map(self._surrogate.cube.values, points)
        return next((values for values in proposals if not self.knows(values)), None)

    def _likeliest(self, rng: np.random.Generator) -> Values | None:
        """Of draws from the mixture of good results, the likeliest compared with the bad ones.

        None if there are too few results, or nested parameters that not all of them have.
        """
        succeeded = [r for r in self.results if r.loss is not None]
        coordinates = self._surrogate.cube.coordinates
        if len(succeeded) < _ENOUGH or len(coordinates.children()) < len(coordinates):
            return None
        ranked = sorted(succeeded, key=lambda r: r.loss or 0.0)
        levels = np.array([list(coordinates.levels(r.values).values()) for r in ranked])
        count = int(_GOOD * len(levels))
        good, bad = (Parzen(coordinates, some, 1.0) for some in (levels[:count], levels[count:]))
        rows = good.draw(rng, 100)
        best = rows[int(np.argmax(good.log_density(rows) - bad.log_density(rows)))]
        return coordinates.values(dict(enumerate(best.tolist())))

    def _promise(self, values: Values, places: Floats) -> float:
        """The least mean at `places` and `values` if `values` turn out well."""
        point = self._surrogate.cube.point(values)[None]
        mean, deviation = self._surrogate.predict(point)
        after = self._surrogate.model.with_observations(point, mean - _INTERVAL * deviation)
        return float(after.predict(np.vstack([places, point]))[0].min())
