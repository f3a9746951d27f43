"""Finds the points of greatest expected improvement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from annotate.domains import Choice, Domain
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
#: The greatest probability of a tie: even the likeliest point can still be tried.
_SUREST = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class Search:
    """One search of the cube. `ranked` holds the known points, best first; it finds new ones.

    With `ties`, the expected improvement counts only if a point does not tie with a known one.
    """

    cube: Cube
    features: Features
    process: Process
    ranked: Floats
    ties: Ties | None

    def run(self, rng: np.random.Generator, *, climb: bool) -> Floats:
        """Return snapped points of the cube, the most promising first."""
        points, scores = self._add(_candidates(self.cube, self.ranked, rng))
        if climb and len(points):
            starts = points[:_REFINED]
            points, scores = self._add(_climb(self.features, self.process, starts), points, scores)
        for _ in range(_ROUNDS):
            near = _neighbours(self.cube, points[:2])
            points, scores = self._add(near, points, scores)
        return points

    def _add(
        self, candidates: Floats, points: Floats | None = None, scores: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """The points and the new ones among `candidates`, best first, and their scores."""
        new = self._new(self.cube.snap(candidates))
        new_scores = self.process.log_ei(new) if len(new) else np.zeros(0)
        if self.ties:
            tied = np.minimum(self.ties.probability(new), _SUREST)
            new_scores = new_scores + np.log1p(-tied)
        if points is not None and scores is not None:
            new, new_scores = np.vstack([points, new]), np.append(scores, new_scores)
        order = np.argsort(-new_scores, kind="stable")
        return new[order], new_scores[order]

    def _new(self, points: Floats) -> Floats:
        points = np.unique(points, axis=0)
        known = {row.tobytes() for row in self.ranked}
        return np.asarray(points[[row.tobytes() not in known for row in points]])


def _candidates(cube: Cube, ranked: Floats, rng: np.random.Generator) -> Floats:
    """Random points, and neighbours of the best known ones."""
    d = cube.dimensions
    candidates = [rng.random((_RANDOM, d))]
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
        candidates.append(np.where(changed, moved, around))
    return np.vstack(candidates)


def _reflected(points: Floats) -> Floats:
    return np.asarray(np.clip(np.abs(1 - np.abs(1 - points)), 0, 1))


def _climb(features: Features, process: Process, starts: Floats) -> Floats:
    """Climb from all the starts at once, along the numeric coordinates."""
    numbers = features.numbers
    if not numbers.size:
        return starts

    def loss(flat: Floats) -> tuple[float, Floats]:
        points = starts.copy()
        points[:, numbers] = flat.reshape(len(starts), -1)
        value, gradient = process.slopes(points)
        return -float(value.sum()), -gradient[:, numbers].ravel()

    flat = starts[:, numbers].ravel()
    optimum = minimize(
        loss,
        flat,
        method="L-BFGS-B",
        jac=True,
        bounds=[(0.0, 1.0)] * len(flat),
        options={"maxiter": 25},
    )
    moved = starts.copy()
    moved[:, numbers] = optimum.x.reshape(len(starts), -1)
    return np.asarray(moved)


def _neighbours(cube: Cube, points: Floats) -> Floats:
    """Each point with one choice or one stepped number changed."""
    neighbours = []
    for point in points:
        for c in cube.coordinates:
            for unit in _moves(c.domain, float(point[c.number])):
                moved = point.copy()
                moved[c.number] = unit
                neighbours.append(moved)
    return np.array(neighbours).reshape(-1, cube.dimensions)


def _moves(domain: Domain, unit: float) -> list[float]:
    """Where a coordinate at `unit` of the cube may move."""
    if isinstance(domain, Choice):
        count = len(domain.options)
        return [(n + 0.5) / count for n in range(count)]
    a = axis(domain)
    if not a.step or not a.bounded:
        return []
    level = float(a.mean + a.width * (unit - 0.5))
    levels = a.levels(level) + a.step * np.array([-8, -4, -2, -1, 1, 2, 4, 8])
    levels = np.clip(levels, a.least, a.most)
    return list((a.positions(levels) - a.mean) / a.width + 0.5)
