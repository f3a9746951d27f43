"""Where the expected improvement is greatest."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from annotate.space import Choice
from tuners.auto_features import Features
from tuners.auto_model import Process
from tuners.axes import Floats, axis
from tuners.cube import Cube

_RANDOM = 512
_LOCAL = 64
_STEPS = (0.2, 0.05, 0.01)
_REFINED = 4
_WIDEST_PLATEAU = 0.1


def search(
    cube: Cube,
    features: Features,
    process: Process,
    best: float,
    ranked: Floats,
    rng: np.random.Generator,
    *,
    refine: bool,
    reach: float = 0.0,
) -> Floats:
    """Points of the cube that stand for values, the most promising first.

    `ranked` are the points tried, the best first.
    """
    points = cube.snap(_candidates(cube, ranked, rng))
    points = _unknown(points, ranked)
    scores = process.log_ei(points, best)
    order = np.argsort(-scores, kind="stable")
    points, scores = points[order], scores[order]
    starts = points[:_REFINED]
    if refine and len(starts):
        moved = cube.snap(_climb(features, process, best, starts))
        points, scores = _merge(points, scores, moved, process.log_ei(moved, best))
    if reach:
        far = apart(features, points, ranked).min(axis=1) > reach
        points, scores = points[far], scores[far]
    for _ in range(2):
        near = _unknown(cube.snap(_neighbours(cube, points[:2])), ranked)
        if not len(near):
            break
        if reach:
            near = near[apart(features, near, ranked).min(axis=1) > reach]
        points, scores = _merge(points, scores, near, process.log_ei(near, best))
    return points


def apart(features: Features, one: Floats, other: Floats) -> Floats:
    """The greatest difference in any coordinate; another option is as far as can be."""
    a, b = features.columns(one), features.columns(other)
    return np.asarray(cdist(a, b, "chebyshev"))


def plateau(features: Features, points: Floats, losses: Floats) -> float:
    """Within what distance two points give the very same loss; 0 where close ones differ."""
    one, other = np.tril_indices(len(points), -1)
    distances = apart(features, points, points)[one, other]
    near = np.flatnonzero(distances < _WIDEST_PLATEAU)
    near = near[np.argsort(distances[near], kind="stable")]
    same = losses[one[near]] == losses[other[near]]
    share = np.cumsum(same) / np.arange(1, len(near) + 1)
    enough = np.flatnonzero(same & (share >= 0.8) & (np.cumsum(same) >= 3))
    return float(distances[near[enough[-1]]]) if len(enough) else 0.0


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


def _unknown(points: Floats, known: Floats) -> Floats:
    """The different points that are not among the known ones."""
    points = np.unique(points, axis=0)
    seen = {row.tobytes() for row in known}
    return np.asarray(points[[row.tobytes() not in seen for row in points]])


def _merge(points: Floats, scores: Floats, more: Floats, their: Floats) -> tuple[Floats, Floats]:
    points, scores = np.vstack([points, more]), np.append(scores, their)
    order = np.argsort(-scores, kind="stable")
    return points[order], scores[order]


def _climb(features: Features, process: Process, best: float, starts: Floats) -> Floats:
    """From all the starts at once uphill, along the numeric coordinates."""
    numbers = features.numbers
    if not numbers.size:
        return starts

    def loss(flat: Floats) -> tuple[float, Floats]:
        points = starts.copy()
        points[:, numbers] = flat.reshape(len(starts), -1)
        value, gradient = process.slopes(points, best)
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
