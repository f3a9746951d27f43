"""Simulated annealing, from hyperopt."""

from __future__ import annotations

import numpy as np
from hyperopt import anneal

from annotate.space import SearchSpace, Values
from tuners import hyperopt_domain
from tuners.arguments import at_least
from tuners.fresh import FreshTuner
from tuners.geometry.coordinates import Coordinates


class Anneal(FreshTuner):
    """Draws near one of the best points, from a neighbourhood that shrinks with each trial.

    hyperopt's `anneal`: the rank of the point among the results has a geometric distribution with
    mean `avg_best_idx`, and the neighbourhood of a parameter seen T times is
    1 / (1 + T shrink_coef) of its range. NNI's page Tuner/HyperoptTuner.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        avg_best_idx: float = 2.0,
        shrink_coef: float = 0.1,
    ) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        at_least("avg_best_idx", avg_best_idx, 1.0)
        at_least("shrink_coef", shrink_coef, 0.0)
        self._arguments = {"avg_best_idx": avg_best_idx, "shrink_coef": shrink_coef}
        self._coordinates = Coordinates(space)
        self._domain = hyperopt_domain.domain(self._coordinates)

    def propose(self, rng: np.random.Generator) -> Values:
        trials = hyperopt_domain.history(
            self._domain, self._coordinates, self.results, self.pending
        )
        with hyperopt_domain.quiet():
            documents = anneal.suggest(
                [len(trials.trials)],
                self._domain,
                trials,
                int(rng.integers(2**31)),
                **self._arguments,
            )
        return self._coordinates.values(hyperopt_domain.levels(self._coordinates, documents))
