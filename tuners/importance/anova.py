"""How much each parameter, and each pair of parameters, affects an experiment's results.

Functional ANOVA on a random forest: Hutter, Hoos and Leyton-Brown, An Efficient Approach for
Assessing Hyperparameter Importance, ICML 2014. Each tree is a function over the whole space. Its
variance, with values drawn from the space's own distributions, is divided into the effect of each
parameter alone (a main effect), the further effect of two together (an interaction), and the
rest. Regions that a tuner explored more do not count more.

A nested parameter has no effect where it does not exist, so its share is weighted by how often it
exists. Its marginals are over the part of the space where it exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np

from annotate.errors import AnnotateError, SpaceError
from annotate.space import SearchSpace, Values
from tuners.geometry.axes import Floats
from tuners.geometry.cells import Cells
from tuners.importance.forest import Forest, Tree

LEAST = 12  # results that an analysis needs
_MOST = 800  # results that the forest learns, drawn at random if there are more
_PAIRED = 16  # parameters whose pairs are analysed: those with the greatest main effects
_FAR = 3.0  # times the distance between the outer deciles: results farther from them are clipped


@dataclass(frozen=True, slots=True)
class Effect:
    """A share of the variance over the space, and its standard deviation over the trees.

    `sides` holds the number of one side of `Cells`, or of two.
    """

    sides: tuple[int, ...]
    share: float
    spread: float


@dataclass(frozen=True, slots=True)
class Marginal:
    """The mean result in the cells of one side, or of two (rows and columns), averaged over all
    other parameters, and its standard deviation over the trees."""

    mean: Floats
    spread: Floats


class Importance:
    """The analysis of an experiment's results by a random forest.

    `fit` is the share of the variance of unseen results that the forest predicts; if it is near 0
    or below, the effects mean nothing. The forest learned `used` of the results, of which `far`
    outliers were clipped. `outside` is how many results have values outside the space; it is 0 if
    the results had to be sampled.

    Raises AnnotateError if fewer than LEAST results lie in the space, all results are equal, or
    the space has no parameters.
    """

    def __init__(
        self, space: SearchSpace, results: Sequence[tuple[Values, float]], *, seed: int = 0
    ) -> None:
        drawn = np.random.default_rng(seed).permutation(len(results))
        inside = list(islice((int(n) for n in drawn if _lies_in(space, results[n][0])), _MOST))
        self.outside = len(results) - len(inside) if len(inside) < _MOST else 0
        self.used = len(inside)
        if self.used < LEAST:
            raise AnnotateError(
                f"importance needs {LEAST} results; {self.used} lie in the search space"
            )
        if not space:
            raise AnnotateError("the search space has no parameters")
        learned = [results[n] for n in sorted(inside)]
        y, self._exponent = _shrunk(np.array([y for _, y in learned], dtype=float))
        y, self.far = _clip_outliers(y)
        if not y.std():
            raise AnnotateError(f"all {self.used} results are equal")
        self.cells = Cells(space)
        self._middle, self._unit = float(y.mean()), float(y.std())
        rows = self.cells.rows(values for values, _ in learned)
        forest = Forest(self.cells, rows, (y - self._middle) / self._unit, seed=seed)
        self.fit = forest.fit
        self._boxes = [_Boxes(self.cells, tree) for tree in forest.trees]
        self.mains = self._main_effects()
        self.pairs = self._interactions()

    def marginal(self, *sides: int) -> Marginal:
        """The marginal of one side, or of two different ones where both exist."""
        means = [self._middle + self._unit * boxes.means(sides) for boxes in self._boxes]
        mean, spread = np.mean(means, axis=0), np.std(means, axis=0)
        return Marginal(np.ldexp(mean, self._exponent), np.ldexp(spread, self._exponent))

    def _main_effects(self) -> list[Effect]:
        """Of all parameters, the greatest first."""
        sides = range(len(self.cells))
        shares = np.array([[boxes.main(side) for side in sides] for boxes in self._boxes])
        effects = [_effect((side,), shares[:, side]) for side in sides]
        return sorted(effects, key=lambda effect: -effect.share)

    def _interactions(self) -> list[Effect]:
        """Of the parameters with the greatest main effects; the greatest first."""
        sides = sorted(effect.sides[0] for effect in self.mains[:_PAIRED])
        pairs = list(combinations(sides, 2))
        shares = np.array([[boxes.pair(*pair) for pair in pairs] for boxes in self._boxes])
        effects = [_effect(pair, shares[:, n]) for n, pair in enumerate(pairs)]
        return sorted(effects, key=lambda effect: -effect.share)


class _Boxes:
    """The leaves of a tree as boxes, and the variances and means that follow from their sides."""

    def __init__(self, cells: Cells, tree: Tree) -> None:
        self._cells = cells
        self._tree = tree
        inside = tree.boxes[:, :-1] * cells.weights
        self._lengths = np.add.reduceat(inside, cells.firsts, axis=1)
        self._mass = tree.values * self._lengths.prod(axis=1)
        self._mean = float(self._mass.sum())
        self.variance = max(float(self._mass @ tree.values) - self._mean**2, 0.0)
        self._alone: dict[int, float] = {}

    def main(self, side: int) -> float:
        """The share of the variance that one side explains by itself."""
        means = self._along(side).T @ (self._mass / self._lengths[:, side])
        self._alone[side] = float((means**2).mean()) - self._mean**2
        return self._share(self._alone[side])

    def pair(self, first: int, second: int) -> float:
        """The share that two sides explain together, beyond what each explains by itself."""
        rest = self._mass / (self._lengths[:, first] * self._lengths[:, second])
        means = (self._along(first) * rest[:, None]).T @ self._along(second)
        together = float((means**2).mean()) - self._mean**2
        return self._share(together - self._alone[first] - self._alone[second])

    def means(self, sides: Sequence[int]) -> Floats:
        """The mean result in each cell of one side or two, where they exist."""
        lengths = self._lengths.copy()
        for side in sides:
            for cell in self._cells.above(side):
                lengths[:, self._cells.owner[cell]] = self._tree.boxes[:, cell]
        others = [side for side in range(len(self._cells)) if side not in sides]
        rest = self._tree.values * lengths[:, others].prod(axis=1)
        if len(sides) == 1:
            return np.asarray(self._along(sides[0]).T @ rest)
        return np.asarray((self._along(sides[0]) * rest[:, None]).T @ self._along(sides[1]))

    def _along(self, side: int) -> Floats:
        return self._tree.boxes[:, self._cells[side].span].astype(float)

    def _share(self, variance: float) -> float:
        return max(variance, 0.0) / self.variance if self.variance > 0 else 0.0


def _effect(sides: tuple[int, ...], shares: Floats) -> Effect:
    return Effect(sides, float(shares.mean()), float(shares.std()))


def _lies_in(space: SearchSpace, values: Values) -> bool:
    try:
        space.locate(values)
    except SpaceError:
        return False
    return True


def _shrunk(y: Floats) -> tuple[Floats, int]:
    """The results divided by a power of two, so that squares stay finite, and its exponent."""
    exponent = int(np.frexp(np.abs(y).max())[1])
    return np.ldexp(y, -exponent), exponent


def _clip_outliers(y: Floats) -> tuple[Floats, int]:
    """Clip outliers, and count them: a single loss of 1e30 would be all of the variance."""
    low, high = np.quantile(y, (0.1, 0.9))
    if high == low:
        return y, 0
    near = np.clip(y, low - _FAR * (high - low), high + _FAR * (high - low))
    return near, int((near != y).sum())
