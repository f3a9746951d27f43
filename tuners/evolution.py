"""Evolution by tournaments of two."""

from __future__ import annotations

import math

import numpy as np

from annotate.space import SearchSpace, Values
from tuners.arguments import at_least
from tuners.fresh import FreshTuner, Result
from tuners.geometry.coordinates import Coordinates, draw


class Evolution(FreshTuner):
    """Evolves a population: the better of two random members is the next parent.

    Real et al., Large-Scale Evolution of Image Classifiers, ICML 2017, section 3.1; NNI's page
    Tuner/EvolutionTuner. The first `population_size` values are random. A child is its parent
    with one parameter drawn anew. When its result arrives, the worse of two random members is
    removed, so the population keeps its size. A failed trial is worse than any result.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        population_size: int = 20,
    ) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        at_least("population_size", population_size, 2)
        self._size = population_size
        self._coordinates = Coordinates(space)
        self._population: list[Result] = []
        self._added = 0

    def propose(self, rng: np.random.Generator) -> Values:
        self._add_results()
        if len(self._population) < self._size:
            return self.space.sample(rng)
        first, second = self._pair(rng)
        parent = self._population[second if self._better(second, first) else first]
        return self._mutate(parent.values, rng)

    def _add_results(self) -> None:
        for number in range(self._added, len(self.results)):
            self._population.append(self.results[number])
            if len(self._population) > self._size:
                first, second = self._pair(np.random.default_rng((abs(self.seed), 0, number)))
                del self._population[first if self._better(second, first) else second]
        self._added = len(self.results)

    def _pair(self, rng: np.random.Generator) -> tuple[int, int]:
        first, second = rng.choice(len(self._population), size=2, replace=False)
        return int(first), int(second)

    def _better(self, first: int, second: int) -> bool:
        losses = [self._population[number].loss for number in (first, second)]
        first_loss, second_loss = [math.inf if loss is None else loss for loss in losses]
        return first_loss < second_loss

    def _mutate(self, values: Values, rng: np.random.Generator) -> Values:
        levels = self._coordinates.levels(values)
        chosen = self._coordinates[int(rng.choice(list(levels)))]
        draw(self._coordinates, chosen.number, levels, rng)
        return self._coordinates.values(levels)
