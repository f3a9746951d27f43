"""The covariance matrix adaptation evolution strategy."""

from __future__ import annotations

import math

import numpy as np
from cmaes import CMA

from annotate.domains import Numeric
from annotate.space import SearchSpace, Values
from tuners.arguments import at_least, between
from tuners.base import TunerError
from tuners.fresh import FreshTuner, Result
from tuners.geometry.axes import Floats
from tuners.geometry.coordinates import taken_by
from tuners.geometry.cube import Cube


class CMAES(FreshTuner):
    """Draws from a normal distribution that adapts to the better half of each generation.

    Hansen, The CMA Evolution Strategy: A Tutorial, arXiv:1604.00772, equations 38 to 47, as
    implemented by the package cmaes (NNI's page of tuners has none). The search starts in the
    middle of the unit cube with the standard deviation `sigma0`. A generation is
    `population_size` results (default: 4 + 3 ln n) in order of arrival, whether or not they were
    asked here. A failure counts as the worst of its generation. It takes every domain but choice.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        sigma0: float = 0.25,
        population_size: int | None = None,
    ) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        between("sigma0", sigma0, 1e-6, 10)
        for parameter in space:
            if not isinstance(parameter.domain, Numeric):
                raise TunerError(
                    f"cmaes takes numbers only, but {parameter.name} is {parameter.domain}",
                    hint=taken_by(parameter.domain, "auto, tpe and evolution take choices too"),
                )
        if population_size is not None:
            at_least("population_size", population_size, 2)
        self._cube = Cube(space)
        size = population_size or 4 + math.floor(3 * math.log(self._cube.dimensions))
        # The package rejects a single dimension; a second one without meaning does no harm.
        self._padding = int(self._cube.dimensions == 1)
        dimensions = self._cube.dimensions + self._padding
        self._model = CMA(
            mean=np.full(dimensions, 0.5),
            sigma=sigma0,
            bounds=np.tile([0.0, 1.0], (dimensions, 1)),
            population_size=size,
            seed=0,
        )
        self._told_count = 0

    def propose(self, rng: np.random.Generator) -> Values:
        size = self._model.population_size
        while len(self.results) - self._told_count >= size:
            self._model.tell(self._generation(self.results[self._told_count :][:size]))
            self._told_count += size
        self._model.reseed_rng(int(rng.integers(2**31)))
        return self._cube.values(self._model.ask())

    def _generation(self, results: list[Result]) -> list[tuple[Floats, float]]:
        worst = max((r.loss for r in results if r.loss is not None), default=0.0)
        points = [np.append(self._cube.point(r.values), [0.5] * self._padding) for r in results]
        losses = [worst if r.loss is None else r.loss for r in results]
        return list(zip(points, losses, strict=True))
