"""Where the expected improvement is greatest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from annotate.domains import Choice
from tuners.auto.features import Features
from tuners.auto.process import Process
from tuners.auto.ties import Ties
from tuners.geometry.axes import Floats, axis
from tuners.geometry.cube import Cube

_RANDOM = 512
_LOCAL = 64
_STEPS = (0.2, 0.05, 0.01)
_REFINED = 4
_ROUNDS = 2
#: No point is so sure to be tied that it could not be tried.
_SUREST = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class Search:
    """`ranked` are the points tried, the best first; none of them is found.

    With `ties`, an improvement is expected only of what is not tied with a known point.
    """

    cube: Cube
    features: Features
    process: Process
    ranked: Floats
    ties: Ties | None

    def run(self, rng: np.random.Generator, *, climb: bool) -> Floats:
        """Points of the cube that stand for values, the most promising first."""
        points, scores = self._add(_candidates(self.cube, self.ranked, rng))
        if climb and len(points):
            starts = points[:_REFINED]
            points, scores = self._add(_climb(self.features, self.process, starts), points, scores)
        for _ in range(_ROUNDS):
            near = _neighbours(self.cube, points[:2])
            points, scores = self._add(near, points, scores)
        return points

    def _add(
        self, more: Floats, points: Floats | None = None, scores: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """What is new among the points and `more`, the best first, and its scores."""
        more = self._new(self.cube.snap(more))
        theirs = self.process.log_ei(more) if len(more) else np.zeros(0)
        if self.ties:
            theirs = theirs + np.log1p(-np.minimum(self.ties.likely(more), _SUREST))
        if points is not None and scores is not None:
            more, theirs = np.vstack([points, more]), np.append(scores, theirs)
        order = np.argsort(-theirs, kind="stable")
        return more[order], theirs[order]

    def _new(self, points: Floats) -> Floats:
        points = np.unique(points, axis=0)
        seen = {row.tobytes() for row in self.ranked}
        return np.asarray(points[[row.tobytes() not in seen for row in points]])


def _candidates(cube: Cube, ranked: Floats, rng: np.random.Generator) -> Floats:
    """Random points, and what lies around the best ones."""
    d = cube.dimensions
    found = [rng.random((_RANDOM, d))]
    centres = ranked[:5]
    share = min(1.0, max(0.2, 3 / d))
    for step in (*_STEPS, 0.1):
        around = centres[rng.integers(len(centres), size=_LOCAL)]
        changed = rng.random(around.shape) < (1.0 if step == 0.1 else share)
        changed[np.arange(_LOCAL), rng.integers(d, size=_LOCAL)] = True
        moved = _reflected(around + step * rng.standard_normal(around.shape))
        for number in cube.choices:
            moved[:, number] = np.where(
                rng.random(_LOCAL) < 0.5, rng.random(_LOCAL), around[:, number]
            )
        found.append(np.where(changed, moved, around))
    return np.vstack(found)


def _reflected(points: Floats) -> Floats:
    return np.asarray(np.clip(np.abs(1 - np.abs(1 - points)), 0, 1))


def _climb(features: Features, process: Process, starts: Floats) -> Floats:
    """From all the starts at once uphill, along the numeric coordinates."""
    numbers = features.numbers
    if not numbers.size:
        return starts

    def loss(flat: Floats) -> tuple[float, Floats]:
        points = starts.copy()
        points[:, numbers] = flat.reshape(len(starts), -1)
        value, gradient = process.slopes(points)
        return -float(value.sum()), -gradient[:, numbers].ravel()

    flat = starts[:, numbers].ravel()
    found = minimize(
        loss,
        flat,
        method="L-BFGS-B",
        jac=True,
        bounds=[(0.0, 1.0)] * len(flat),
        options={"maxiter": 25},
    )
    moved = starts.copy()
    moved[:, numbers] = found.x.reshape(len(starts), -1)
    return np.asarray(moved)


def _neighbours(cube: Cube, points: Floats) -> Floats:
    """Each point with one choice or one int changed."""
    found = []
    for point in points:
        for c in cube.coordinates:
            for at in _moves(c.domain, float(point[c.number])):
                moved = point.copy()
                moved[c.number] = at
                found.append(moved)
    return np.array(found).reshape(-1, cube.dimensions)


def _moves(domain: object, at: float) -> list[float]:
    if isinstance(domain, Choice):
        count = len(domain.options)
        return [(n + 0.5) / count for n in range(count)]
    a = axis(domain)  # type: ignore[arg-type]
    if not a.step:
        return []
    level = float(a.mean + a.width * (at - 0.5))
    if not a.bounded:
        return []
    levels = a.levels(level) + a.step * np.array([-8, -4, -2, -1, 1, 2, 4, 8])
    levels = np.clip(levels, a.least, a.most)
    return list((a.positions(levels) - a.mean) / a.width + 0.5)
