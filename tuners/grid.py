"""Grid search."""

from __future__ import annotations

import numpy as np

from annotate.space import SearchSpace, Values
from tuners.base import TunerError
from tuners.fresh import FreshTuner
from tuners.geometry.coordinates import Coordinates
from tuners.geometry.points import walk


class GridSearch(FreshTuner):
    """Every point of a finite space, in order: the last parameter changes fastest.

    NNI's page Tuner/GridsearchTuner. It takes choice, randint and quniform, as NNI's does, and
    qloguniform.
    """

    def __init__(self, space: SearchSpace, *, seed: int, maximize: bool = False) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        for c in Coordinates(space):
            if c.domain.size is None and c.domain.type != "choice":
                raise TunerError(
                    f"a grid has no end over {c.path}, which is {c.domain}",
                    hint="give it choice, randint, quniform or qloguniform",
                )
        self._points = walk(space, 0)

    def propose(self, rng: np.random.Generator) -> Values:
        return next(values for values in self._points if not self.knows(values))
