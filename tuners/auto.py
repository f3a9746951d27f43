"""The default tuner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from annotate.space import SearchSpace, Values
from tuners.axes import Floats, Ints
from tuners.cube import Cube
from tuners.fresh import FreshTuner, Result
from tuners.start import latin_hypercube


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parts of `auto`, so that a benchmark can leave one out."""

    lengths: tuple[float, ...] = (0.3, 0.6)
    warps: tuple[str, ...] = ("half",)
    ordinal: bool = True
    refine: bool = True
    most: int = 300
    fit_steps: int = 30
    plateaus: bool = True


class Auto(FreshTuner):
    """A spread start, then the point where a Gaussian process expects the most improvement.

    docs/auto.md says what is in it and why. NNI's page Tuner has nothing like it.
    """

    recipe = Recipe()

    def __init__(self, space: SearchSpace, *, seed: int, maximize: bool = False) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        self._cube = Cube(space)
        self._start = self._spread()
        self._points: list[Floats] = []

    def _spread(self) -> Floats:
        """The hypercube of several whose nearest two points are farthest apart, and the middle."""
        rng = np.random.default_rng(abs(self.seed))
        d = self._cube.dimensions
        count = min(max(d + 1, 5), 10)
        best, widest = np.zeros((0, d)), -1.0
        for _ in range(20):
            points = latin_hypercube(count, d, rng)
            apart = np.sum((points[:, None] - points[None]) ** 2, axis=2)
            nearest = float(apart[np.tril_indices(count, -1)].min())
            if nearest > widest:
                best, widest = points, nearest
        best[0] = 0.45 + 0.1 * rng.random(d)
        return best

    def propose(self, rng: np.random.Generator) -> Values | None:
        number = len(self.results) + len(self.pending)
        if number < len(self._start):
            return self._cube.values(self._start[number])
        told = [r.loss for r in self.results if r.loss is not None]
        if not told:
            return self._cube.values(rng.random(self._cube.dimensions))
        return self._search(rng)

    def _search(self, rng: np.random.Generator) -> Values | None:
        from tuners.auto_features import Features
        from tuners.auto_model import Prior, Process
        from tuners.auto_search import plateau, search

        recipe = self.recipe
        for result in self.results[len(self._points) :]:
            self._points.append(self._cube.point(result.values))
        points, losses = np.array(self._points), _losses(self.results)
        kept = _telling(losses, recipe.most, rng)
        points, losses = points[kept], losses[kept]
        y = warped(losses, recipe.warps[rng.integers(len(recipe.warps))])
        features = Features(self._cube, ordinal=recipe.ordinal)
        prior = Prior(recipe.lengths[rng.integers(len(recipe.lengths))])
        process = Process(features, points, y, prior, recipe.fit_steps)
        pending = self.pending
        if pending:
            waiting = np.array([self._cube.point(v) for v in pending])
            process.believe(waiting, np.full(len(waiting), y.min()))
        best = process.standard(float(y.min()))
        order = np.argsort(y, kind="stable")
        reach = plateau(features, points, losses) if recipe.plateaus else 0.0
        found = search(
            self._cube,
            features,
            process,
            best,
            points[order],
            rng,
            refine=recipe.refine,
            reach=reach,
        )
        for point in found:
            values = self._cube.values(point)
            if not self.knows(values):
                return values
        return None


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


def warped(losses: Floats, how: str) -> Floats:
    """Losses in no unit, with what is far above the best brought nearer."""
    y = losses / (np.abs(losses).max() or 1.0)
    above = y - y.min()
    if how == "none" or not above.any():
        return np.asarray(y)
    if how == "log":
        quarter = float(np.quantile(above, 0.25)) or float(above[above > 0].min())
        return np.asarray(np.log(above + quarter))
    median = float(np.median(above)) or float(above[above > 0].min())
    return np.asarray(
        np.minimum(above, median) + median * np.log1p(np.maximum(above - median, 0) / median)
    )
