"""Random search."""

from __future__ import annotations

import numpy as np

from annotate.space import Values
from tuners.fresh import FreshTuner


class Random(FreshTuner):
    """Draws each parameter independently from its own distribution.

    Bergstra and Bengio, Random Search for Hyper-Parameter Optimization, JMLR 2012; NNI's page
    Tuner/HyperoptTuner. The domains draw themselves: hyperopt draws from the same distributions
    at thirty times the cost.
    """

    def propose(self, rng: np.random.Generator) -> Values:
        return self.space.sample(rng)
