"""A model of the losses over the unit cube, and the search for its best points."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from annotate.space import SearchSpace, Values
from tuners.fresh import Result
from tuners.gaussian import GaussianProcess
from tuners.geometry.axes import Floats
from tuners.geometry.cube import Cube

#: The time of a fit grows with the cube of the number of results.
_MOST_RESULTS = 200
#: Standard deviations of the local search's steps; the cube's sides have length 1.
_STEPS = (0.1, 0.03, 0.01)
_NEIGHBOURS = 50


#: A score for each point, a row; greater is better.
Utility = Callable[[Floats], Floats]


class Surrogate:
    """A Gaussian process over the unit cube of a space."""

    def __init__(self, space: SearchSpace, *, nu: float, alpha: float) -> None:
        self.cube = Cube(space)
        self._nu, self._alpha = nu, alpha
        self._known = (0, 0)

    def learn(self, results: Sequence[Result], pending: Sequence[Values]) -> bool:
        """Fit the results; False if all of them failed. A failure counts as the worst loss."""
        losses = [r.loss for r in results if r.loss is not None]
        known = (len(results), len(pending))
        if not losses or known == self._known:
            return bool(losses)
        self._known = known
        selected = _selected(results)
        worst = max(losses)
        y = compress(np.array([worst if r.loss is None else r.loss for r in selected]))
        self._points = np.array([self.cube.point(r.values) for r in selected])
        self._order = np.argsort(y, kind="stable")
        self.unit = float(y.std()) or 1.0
        self.fit(self._points, y)
        if pending:
            self.believe(np.array([self.cube.point(values) for values in pending]))
        return True

    def fit(self, points: Floats, y: Floats) -> None:
        """Fit the model to the losses `y`."""
        self.model = GaussianProcess(points, y, self.cube.choices, nu=self._nu, alpha=self._alpha)

    def believe(self, points: Floats) -> None:
        """Treat the predicted means at `points` as observations (a kriging believer).

        Ginsbourger, Le Riche and Carraro, 2010, section 4.2.2.
        """
        self.model = self.model.with_observations(points, self.model.predict(points)[0])

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the compressed loss."""
        return self.model.predict(points)

    def best_mean(self) -> float:
        """The least predicted mean at any result."""
        return float(self.predict(self._points)[0].min())

    def search(
        self,
        utility: Utility,
        random: int,
        starts: int,
        rng: np.random.Generator,
    ) -> Floats:
        """Distinct points, best first: random ones, and neighbours of good ones."""
        best = self._points[self._order[:5]]
        points = self.cube.snap(
            np.vstack([rng.random((random, self.cube.dimensions)), self._around(best, 0.2, rng)])
        )
        points, scores = _ranked(points, utility(points))
        for step in _STEPS:
            near = self.cube.snap(self._around(points[:starts], step, rng))
            points, scores = _ranked(np.vstack([points, near]), np.append(scores, utility(near)))
        return points

    def _around(self, centres: Floats, step: float, rng: np.random.Generator) -> Floats:
        """Neighbours of each centre, changed in some dimensions; a changed choice is drawn anew."""
        points = np.repeat(centres, _NEIGHBOURS, axis=0)
        share = max(0.2, min(1.0, 3 / points.shape[1]))
        changed = rng.random(points.shape) < share
        changed[np.arange(len(points)), rng.integers(points.shape[1], size=len(points))] = True
        moved = np.clip(points + step * rng.standard_normal(points.shape), 0, 1)
        choices = list(self.cube.choices)
        moved[:, choices] = rng.random((len(points), len(choices)))
        return np.where(changed, moved, points)


def _ranked(points: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """The distinct points, best first, and their scores."""
    points, first = np.unique(points, axis=0, return_index=True)
    order = np.argsort(-scores[first], kind="stable")
    return points[order], scores[first][order]


def _selected(results: Sequence[Result]) -> list[Result]:
    """All results, or as many as a fit can take: half the best, half the newest."""
    if len(results) <= _MOST_RESULTS:
        return list(results)
    half = _MOST_RESULTS // 2
    older = sorted(results[:-half], key=lambda r: np.inf if r.loss is None else r.loss)
    return older[:half] + list(results[-half:])


def compress(y: Floats) -> Floats:
    """Scale losses, and put those above the median on a logarithmic scale.

    Above the median, losses can spread arbitrarily far, but only those below tell good from better.
    """
    y = y / (np.abs(y).max() or 1.0)
    median, least = float(np.median(y)), float(y.min())
    width = max(median - least, 1e-12)
    above = np.maximum(y - median, 0.0)
    return np.asarray(np.minimum(y, median) + width * np.log1p(above / width))
