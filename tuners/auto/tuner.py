"""The default tuner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotate.space import SearchSpace, Values
from tuners.fresh import FreshTuner, Result
from tuners.geometry.axes import Floats, Ints
from tuners.geometry.cube import Cube
from tuners.geometry.latin_hypercube import latin_hypercube

if TYPE_CHECKING:
    from tuners.auto.features import Features
    from tuners.auto.process import Process

#: The time of an ask grows with the cube of their number: results that a model knows, and of
#: these the ones that its lengths are fitted to.
_KNOWN, _FITTED = 300, 100
_HYPERCUBES = 20


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parts of `auto`, so that `benchmarks/quality` can leave one out.

    `lengths`, of which each ask draws one, `additive`, `gloom` and `habits` are the prior's, see
    `auto_model.Prior`; `compressed` brings bad losses nearer; `ordinal` takes choices of numbers
    for numbers; `shared` takes children of one name for the same; `climb` follows the gradient;
    `ties` keeps away from what gives a known result again.
    """

    lengths: tuple[float, ...] = (0.3, 0.6)
    additive: bool = True
    gloom: float = 0.75
    habits: bool = True
    compressed: bool = True
    ordinal: bool = True
    shared: bool = True
    climb: bool = True
    ties: bool = True


class Auto(FreshTuner):
    """A spread start, then the point where a Gaussian process expects the most improvement.

    Of our own making, from Jones, Schonlau and Welch, 1998, on; docs/auto.md says what is in it
    and why. NNI's page Tuner has nothing like it.
    """

    recipe = Recipe()

    def __init__(self, space: SearchSpace, *, seed: int, maximize: bool = False) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        self._cube = Cube(space)
        self._start = _spread(self._cube.dimensions, abs(seed))
        self._points: list[Floats] = []

    def propose(self, rng: np.random.Generator) -> Values | None:
        number = len(self.results) + len(self.pending)
        if number < len(self._start):
            return self._cube.values(self._start[number])
        if all(r.loss is None for r in self.results):
            return self._cube.values(rng.random(self._cube.dimensions))
        return self._search(rng)

    def _search(self, rng: np.random.Generator) -> Values | None:
        # scipy's optimisers take a while to import: not before the first search.
        from tuners.auto.features import Features
        from tuners.auto.search import Search
        from tuners.auto.ties import Ties

        for result in self.results[len(self._points) :]:
            self._points.append(self._cube.point(result.values))
        recipe, losses = self.recipe, _losses(self.results)
        known = _telling(losses, _KNOWN, rng)
        points, losses = np.array(self._points)[known], losses[known]
        y = compressed(losses) if recipe.compressed else losses / (np.abs(losses).max() or 1.0)
        features = Features(self._cube, ordinal=recipe.ordinal, shared=recipe.shared)
        search = Search(
            self._cube,
            features,
            self._model(features, points, y, rng),
            points[np.argsort(y, kind="stable")],
            Ties(features, points, losses) if recipe.ties else None,
        )
        found = map(self._cube.values, search.run(rng, climb=recipe.climb))
        return next((values for values in found if not self.knows(values)), None)

    def _model(
        self, features: Features, points: Floats, y: Floats, rng: np.random.Generator
    ) -> Process:
        """A process that takes running trials for as good as the best, so as to keep away."""
        from tuners.auto.process import Prior, Process

        recipe = self.recipe
        length = recipe.lengths[rng.integers(len(recipe.lengths))]
        prior = Prior(length, recipe.gloom, recipe.additive, recipe.habits)
        process = Process(features, points, y, prior, _telling(y, _FITTED, rng))
        if self.pending:
            waiting = np.array([self._cube.point(values) for values in self.pending])
            process.believe(waiting, process.best)
        return process


def _spread(dimensions: int, seed: int) -> Floats:
    """Of several hypercubes the one whose nearest two points are farthest apart.

    Johnson, Moore and Ylvisaker, Minimax and maximin distance designs, 1990. The first point is
    near the middle.
    """
    rng = np.random.default_rng(seed)
    count = min(max(dimensions + 1, 5), 10)
    best, widest = np.zeros((0, dimensions)), -1.0
    for _ in range(_HYPERCUBES):
        points = latin_hypercube(count, dimensions, rng)
        apart = np.sum((points[:, None] - points[None]) ** 2, axis=2)
        nearest = float(apart[np.tril_indices(count, -1)].min())
        if nearest > widest:
            best, widest = points, nearest
    best[0] = 0.45 + 0.1 * rng.random(dimensions)
    return best


def _losses(results: list[Result]) -> Floats:
    """A failure counts as the worst."""
    worst = max(r.loss for r in results if r.loss is not None)
    return np.array([worst if r.loss is None else r.loss for r in results])


def _telling(losses: Floats, most: int, rng: np.random.Generator) -> Ints:
    """All, or as many as a fit can take: the best, and others by chance."""
    if len(losses) <= most:
        return np.arange(len(losses))
    order = np.argsort(losses, kind="stable")
    half = most // 2
    return np.sort(np.append(order[:half], rng.permutation(order[half:])[: most - half]))


def compressed(losses: Floats) -> Floats:
    """Losses in no unit, 0 the best; above the median they grow with a logarithm.

    What is bad is bad: only below it does it matter how good. Related to Song et al., The Vizier
    Gaussian Process Bandit Algorithm, 2024, section 3.3.
    """
    above = losses / (np.abs(losses).max() or 1.0)
    above = above - above.min()
    if not above.any():
        return np.asarray(above)
    median = float(np.median(above)) or float(above[above > 0].min())
    beyond = np.maximum(above - median, 0.0)
    return np.asarray(np.minimum(above, median) + median * np.log1p(beyond / median))
