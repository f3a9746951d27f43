"""BOHB: Hyperband that draws configurations from a model."""

from __future__ import annotations

import math

import numpy as np

from annotate.space import SearchSpace, Values
from tuners.arguments import at_least, between
from tuners.budgets.budget import Budgeted
from tuners.budgets.halving import budgets
from tuners.budgets.hyperband import Brackets
from tuners.budgets.kde import KDE
from tuners.fresh import FreshTuner
from tuners.geometry.axes import Floats
from tuners.geometry.cube import Cube

#: Lower log densities count as equal: a point that both estimates exclude tells nothing.
_LEAST = math.log(1e-32)


class BOHB(Brackets):
    """Hyperband's brackets over configurations that resemble the good ones.

    Falkner, Klein and Hutter, BOHB, ICML 2018, algorithm 2 and equations 2 and 3; NNI's page
    Tuner/BohbAdvisor. A budget gets a model when it has `min_points_in_model` + 2 results
    (default: the number of parameters plus 1): one density of its best `top_n_percent` and one of
    the others. The largest such budget is used. Of `num_samples` draws from the good density,
    whose bandwidth is multiplied by `bandwidth_factor`, the one with the greatest ratio of the two
    densities is proposed. A share `random_fraction` of the configurations is random.

    The budget is the value `TRIAL_BUDGET`; a script that trains beyond it is stopped.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        min_budget: int = 1,
        max_budget: int = 3,
        eta: int = 3,
        min_points_in_model: int | None = None,
        top_n_percent: int = 15,
        num_samples: int = 64,
        random_fraction: float = 1 / 3,
        bandwidth_factor: float = 3.0,
        min_bandwidth: float = 1e-3,
    ) -> None:
        at_least("min_budget", min_budget, 1)
        at_least("max_budget", max_budget, min_budget)
        at_least("eta", eta, 2)
        at_least("num_samples", num_samples, 1)
        at_least("bandwidth_factor", bandwidth_factor, 1e-3)
        at_least("min_bandwidth", min_bandwidth, 1e-6)
        between("top_n_percent", top_n_percent, 1, 99)
        between("random_fraction", random_fraction, 0, 1)
        budgeted = Budgeted.of(space, budgets(max_budget, min_budget, eta))
        source = _Model(budgeted.space, seed=seed, maximize=maximize)
        source.needed = min_points_in_model or source.cube.dimensions + 1
        source.top = top_n_percent / 100
        source.draws, source.random = num_samples, random_fraction
        source.factor, source.width = bandwidth_factor, min_bandwidth
        super().__init__(source, budgeted, most=max_budget, least=min_budget, eta=eta)
        self._model = source

    def learn(self, config: Values, budget: float, loss: float | None) -> None:
        losses = self._model.observed.setdefault(budget, [])
        losses.append((math.inf if loss is None else loss, self._model.cube.point(config)))


class _Model(FreshTuner):
    """Draws configurations from the results at the largest budget that has enough of them."""

    needed: int
    top: float
    draws: int
    random: float
    factor: float
    width: float

    def __init__(self, space: SearchSpace, *, seed: int, maximize: bool = False) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        self.cube = Cube(space)
        self.observed: dict[float, list[tuple[float, Floats]]] = {}

    def propose(self, rng: np.random.Generator) -> Values:
        enough = [b for b, losses in self.observed.items() if len(losses) >= self.needed + 2]
        if not enough or rng.random() < self.random:
            return self.space.sample(rng)
        good, bad = self._estimates(max(enough))
        points = self.cube.snap(good.draw(self.draws, self.factor, rng))
        likely = np.maximum(good.log_density(points), _LEAST)
        unlikely = np.maximum(bad.log_density(points), _LEAST)
        return self.cube.values(points[int(np.argmax(likely - unlikely))])

    def _estimates(self, budget: float) -> tuple[KDE, KDE]:
        """Estimates of the good and the bad points, each from at least `needed` (equation 3)."""
        ranked = sorted(self.observed[budget], key=lambda result: result[0])
        points = np.array([point for _, point in ranked])
        good = max(self.needed, int(self.top * len(points)))
        bad = max(self.needed, int((1 - self.top) * len(points)))
        choices = self.cube.choices
        return (
            KDE(points[:good], choices, self.width),
            KDE(points[-bad:], choices, self.width),
        )
