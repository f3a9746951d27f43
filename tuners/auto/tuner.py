"""`auto`, the default tuner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotate.space import SearchSpace, Values
from tuners.fresh import FreshTuner, Result
from tuners.geometry.axes import Floats, Ints
from tuners.geometry.cube import Cube
from tuners.geometry.latin_hypercube import latin_hypercube
from tuners.rows import Rows

if TYPE_CHECKING:
    from tuners.auto.features import Features
    from tuners.auto.process import Process

#: How many results a model knows, and to how many of them its lengths are fitted: the time of an
#: ask grows with the cube of these numbers.
_KNOWN, _FITTED = 300, 100
#: How many pending trials a model knows, which cost as much as results.
_BELIEVED = 200
_HYPERCUBES = 20


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parts of `auto`, so that `benchmarks/quality` can leave one out.

    Each ask draws one of `lengths`; with `additive`, `gloom` and `habits` it makes the prior, see
    `process.Prior`. `compressed` compresses bad losses, `ordinal` treats choices of numbers as
    numbers, `shared` treats children of one name as the same, `climb` follows the gradient, and
    `ties` avoids points that would repeat a known result.
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
    """Starts with spread points, then maximises expected improvement under a Gaussian process.

    Based on Jones, Schonlau and Welch, 1998; docs/auto.md explains its parts. NNI's page Tuner has
    no counterpart.
    """

    recipe = Recipe()

    def __init__(self, space: SearchSpace, *, seed: int, maximize: bool = False) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        self._cube = Cube(space)
        self._start = _spread(self._cube.dimensions, abs(seed))
        self._points = Rows(self, self._cube.dimensions, self._cube.point)

    def propose(self, rng: np.random.Generator) -> Values | None:
        number = len(self.results) + len(self.pending)
        if number < len(self._start):
            return self._cube.values(self._start[number])
        if all(r.loss is None for r in self.results):
            return self._cube.values(rng.random(self._cube.dimensions))
        return self._search(rng)

    def _search(self, rng: np.random.Generator) -> Values | None:
        # Importing scipy's optimisers takes a while; do it only before the first search.
        from tuners.auto.features import Features
        from tuners.auto.search import Search
        from tuners.auto.ties import Ties

        recipe, losses = self.recipe, _losses(self.results)
        known = _selected(losses, _KNOWN, rng)
        points, losses = self._points.results()[known], losses[known]
        y = compressed(losses) if recipe.compressed else losses / (np.abs(losses).max() or 1.0)
        features = Features(self._cube, ordinal=recipe.ordinal, shared=recipe.shared)
        search = Search(
            self._cube,
            features,
            self._model(features, points, y, rng),
            points[np.argsort(y, kind="stable")],
            Ties(features, points, losses) if recipe.ties else None,
        )
        proposals = map(self._cube.values, search.run(rng, climb=recipe.climb))
        return next((values for values in proposals if not self.knows(values)), None)

    def _model(
        self, features: Features, points: Floats, y: Floats, rng: np.random.Generator
    ) -> Process:
        """A process for which pending trials are as good as the best, so that it avoids them.

        Of many, it knows some, chosen at random.
        """
        from tuners.auto.process import Prior, Process

        recipe = self.recipe
        length = recipe.lengths[rng.integers(len(recipe.lengths))]
        prior = Prior(length, recipe.gloom, recipe.additive, recipe.habits)
        process = Process(features, points, y, prior, _selected(y, _FITTED, rng))
        if self.pending:
            pending = self._points.pending()
            if len(pending) > _BELIEVED:
                pending = pending[rng.choice(len(pending), _BELIEVED, replace=False)]
            process.believe(pending, process.best)
        return process


def _spread(dimensions: int, seed: int) -> Floats:
    """Of several Latin hypercubes, the one whose two nearest points are farthest apart.

    Johnson, Moore and Ylvisaker, Minimax and maximin distance designs, 1990. The first point lies
    near the middle.
    """
    rng = np.random.default_rng(seed)
    count = min(max(dimensions + 1, 5), 10)
    best, widest = np.zeros((0, dimensions)), -1.0
    for _ in range(_HYPERCUBES):
        points = latin_hypercube(count, dimensions, rng)
        distances = np.sum((points[:, None] - points[None]) ** 2, axis=2)
        nearest = float(distances[np.tril_indices(count, -1)].min())
        if nearest > widest:
            best, widest = points, nearest
    best[0] = 0.45 + 0.1 * rng.random(dimensions)
    return best


def _losses(results: list[Result]) -> Floats:
    """A quarter of the losses, so that no difference overflows; a failure counts as the worst."""
    worst = max(r.loss for r in results if r.loss is not None)
    return np.array([worst if r.loss is None else r.loss for r in results]) / 4


def _selected(losses: Floats, most: int, rng: np.random.Generator) -> Ints:
    """The numbers of all losses, or of `most`: half the best, the others chosen at random."""
    if len(losses) <= most:
        return np.arange(len(losses))
    order = np.argsort(losses, kind="stable")
    half = most // 2
    return np.sort(np.append(order[:half], rng.permutation(order[half:])[: most - half]))


def compressed(losses: Floats) -> Floats:
    """Scale losses so that the best is 0, and compress those above the median by a logarithm.

    How bad a bad loss is does not matter; how good a good one is does. Related to Song et al., The
    Vizier Gaussian Process Bandit Algorithm, 2024, section 3.3.
    """
    above = losses / (np.abs(losses).max() or 1.0)
    above = above - above.min()
    if not above.any():
        return np.asarray(above)
    median = float(np.median(above)) or float(above[above > 0].min())
    beyond = np.maximum(above - median, 0.0)
    return np.asarray(np.minimum(above, median) + median * np.log1p(beyond / median))
