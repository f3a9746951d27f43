"""Tree-structured Parzen estimators, by hyperopt."""

from __future__ import annotations

import numpy as np
from hyperopt import tpe

from annotate.space import SearchSpace, Values
from tuners import hyperopt_domain
from tuners.arguments import at_least
from tuners.coordinates import Coordinates
from tuners.fresh import FreshTuner


class TPE(FreshTuner):
    """Draws from an estimate of the good values; takes the draw least like the bad ones.

    Bergstra, Bardenet, Bengio and Kégl, Algorithms for Hyper-Parameter Optimization, NIPS 2011,
    section 4; hyperopt's `tpe`. NNI's page Tuner/HyperoptTuner.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        n_startup_jobs: int = 10,
        n_ei_candidates: int = 24,
        prior_weight: float = 1.0,
        gamma: float = 1.0,
    ) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        at_least("n_startup_jobs", n_startup_jobs, 1)
        at_least("n_ei_candidates", n_ei_candidates, 1)
        self._arguments = {
            "n_startup_jobs": n_startup_jobs,
            "n_EI_candidates": n_ei_candidates,
            "prior_weight": prior_weight,
            "gamma": gamma,
        }
        self._coordinates = Coordinates(space)
        self._domain = hyperopt_domain.domain(self._coordinates)

    def propose(self, rng: np.random.Generator) -> Values:
        trials = hyperopt_domain.history(
            self._domain, self._coordinates, self.results, self.pending
        )
        with hyperopt_domain.quiet():
            documents = tpe.suggest(
                [len(trials.trials)],
                self._domain,
                trials,
                int(rng.integers(2**31)),
                verbose=False,
                **self._arguments,
            )
        return self._coordinates.values(hyperopt_domain.levels(documents))
