"""Tree-structured Parzen estimators, based on hyperopt's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from annotate.domains import Choice
from annotate.space import SearchSpace, Values
from tuners.arguments import at_least, between
from tuners.fresh import FreshTuner
from tuners.geometry.coordinates import Coordinate, Levels
from tuners.geometry.cube import Cube
from tuners.geometry.latin_hypercube import spread
from tuners.parzen import Parzen

#: The most results that count as good; the number is hyperopt's.
_MOST_GOOD = 25
#: What the prior adds to each option among the good results: with less, a choice settles on the
#: first option that did well. Among the bad results the prior adds less with each result, so that
#: an option that was hardly tried stands out.
_OPTION_WEIGHT = 0.5


class TPE(FreshTuner):
    """Draws from a density of the good values and proposes the draw least like the bad ones.

    Bergstra, Bardenet, Bengio and Kégl, Algorithms for Hyper-Parameter Optimization, NIPS 2011,
    section 4: of `n_ei_candidates` draws from l, equation 2, the one with the greatest l / g has
    the greatest expected improvement. NNI's page Tuner/HyperoptTuner.

    The estimators are hyperopt's. Unlike hyperopt's `tpe.suggest`, the search starts with a Latin
    hypercube of `n_startup_jobs` points, the best share `gamma` of all results counts as good,
    and parameters that exist together are estimated and drawn together. Failures are bad.

    Pending trials count as results with the loss that `constant_liar_type` selects: the greatest
    so far (`max`, which repels), the least (`min`, which attracts) or the `mean`. Without
    `parallel_optimize` they do not count.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        parallel_optimize: bool = True,
        constant_liar_type: Literal["min", "max", "mean"] = "max",
        n_startup_jobs: int = 10,
        n_ei_candidates: int = 24,
        prior_weight: float = 1.0,
        gamma: float = 0.12,
    ) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        at_least("n_startup_jobs", n_startup_jobs, 1)
        at_least("n_ei_candidates", n_ei_candidates, 1)
        at_least("prior_weight", prior_weight, 1e-6)
        between("gamma", gamma, 0.001, 0.999)
        self._lie = constant_liar_type if parallel_optimize else None
        self._startup = n_startup_jobs
        self._candidates = n_ei_candidates
        self._prior_weight = prior_weight
        self._gamma = gamma
        self._cube = Cube(space)
        self._coordinates = self._cube.coordinates
        self._levels: list[Levels] = []

    def propose(self, rng: np.random.Generator) -> Values:
        if len(self.results) < self._startup:
            number = len(self.results) + len(self.pending)
            return spread(self._cube, self._startup, number, self.seed, rng)
        good, bad = self._split()
        drawn: Levels = {}
        groups = [self._coordinates.children()]
        while groups:
            group = groups.pop()
            for c, level in zip(group, self._best(group, good, bad, rng), strict=True):
                drawn[c.number] = level
                if isinstance(c.domain, Choice):
                    groups.append(self._coordinates.children(c.number, int(level)))
        return self._coordinates.values(drawn)

    def _split(self) -> tuple[list[Levels], list[Levels]]:
        """The good and the bad observations, each oldest first."""
        for result in self.results[len(self._levels) :]:
            self._levels.append(self._coordinates.levels(result.values))
        losses = [math.inf if r.loss is None else r.loss for r in self.results]
        count = min(math.ceil(self._gamma * len(losses)), _MOST_GOOD)
        levels = list(self._levels)
        if self._lie:
            pending = self.pending
            losses += [_lie(self._lie, losses)] * len(pending)
            levels += [self._coordinates.levels(values) for values in pending]
        order = np.argsort(losses, kind="stable")
        return (
            [levels[number] for number in sorted(order[:count])],
            [levels[number] for number in sorted(order[count:])],
        )

    def _best(
        self,
        group: Sequence[Coordinate],
        good: list[Levels],
        bad: list[Levels],
        rng: np.random.Generator,
    ) -> list[float]:
        """A level for each coordinate of a group that exists together."""
        if not group:
            return []
        likely, unlikely = (
            Parzen(group, [o for o in part if group[0].number in o], self._prior_weight, added)
            for part, added in ((good, _OPTION_WEIGHT * self._prior_weight), (bad, None))
        )
        rows = likely.draw(rng, self._candidates)
        chosen = int(np.argmax(likely.log_density(rows) - unlikely.log_density(rows)))
        return [float(level) for level in rows[chosen]]


def _lie(kind: str, losses: list[float]) -> float:
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite or kind == "max":
        return max(finite, default=math.inf)
    return min(finite) if kind == "min" else float(np.mean(np.array(finite) / 2) * 2)
