"""Tree-structured Parzen estimators, on hyperopt's."""

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

#: At most so many results are good, however many there are; hyperopt's own number.
_MOST_GOOD = 25
#: What the prior adds to each option among the good ones: with less a choice settles on the
#: option that did well first. Among the bad ones it adds less and less, so that an option which
#: was hardly tried stands out.
_OPTION_WEIGHT = 0.5


class TPE(FreshTuner):
    """Draws from an estimate of the good values; takes the draw least like the bad ones.

    Bergstra, Bardenet, Bengio and Kégl, Algorithms for Hyper-Parameter Optimization, NIPS 2011,
    section 4: of `n_ei_candidates` draws from l, equation 2, the one with the greatest l / g,
    which has the greatest expected improvement. NNI's page Tuner/HyperoptTuner.

    The estimators are hyperopt's; other than in hyperopt's `tpe.suggest`, the start is a Latin
    hypercube of `n_startup_jobs` points, the good ones are the best `gamma` of all, and the
    parameters that exist together are estimated and drawn together. Failures are bad.

    Pending trials count as results with the greatest, least or mean loss so far, as
    `constant_liar_type` says (max, so that they repel, min, so that they attract, or mean), or
    not at all without `parallel_optimize`.
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
        """The good and the bad observations, each from old to new."""
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
        """A level for each coordinate of a group, which exist together."""
        if not group:
            return []
        likely, unlikely = (
            Parzen(group, [o for o in some if group[0].number in o], self._prior_weight, added)
            for some, added in ((good, _OPTION_WEIGHT * self._prior_weight), (bad, None))
        )
        rows = likely.draw(rng, self._candidates)
        chosen = int(np.argmax(likely.log_density(rows) - unlikely.log_density(rows)))
        return [float(level) for level in rows[chosen]]


def _lie(kind: str, losses: list[float]) -> float:
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite or kind == "max":
        return max(finite, default=math.inf)
    return min(finite) if kind == "min" else float(np.mean(finite))
