"""How much each parameter, and each pair of them, matters to an experiment's results.

Functional ANOVA on a random forest: Hutter, Hoos and Leyton-Brown, An Efficient Approach for
Assessing Hyperparameter Importance, ICML 2014. Each tree is a function over the whole space; its
variance there, where values are drawn from the space's own distributions, is split into what each
parameter does alone (a main effect), what two do together beyond that (an interaction), and the
rest. What a tuner looked at most does not count more.

A nested parameter has its effect where it exists and none elsewhere, so that its share is weighed
by how often that is; the drawings of it are of where it exists.
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

LEAST = 12  # results, below which nothing is said
_MOST = 800  # results that the forest learns; more are drawn from by chance
_PAIRED = 16  # parameters with the greatest main effects, whose pairs are looked at
_FAR = 3.0  # times the distance between the outer tenths from them, a result is taken as that far


@dataclass(frozen=True, slots=True)
class Effect:
    """A share of the variance over the space, and how far the trees differ about it (1 sigma).

    `sides` are one number of `Cells`, or two.
    """

    sides: tuple[int, ...]
    share: float
    spread: float


@dataclass(frozen=True, slots=True)
class Marginal:
    """The mean result over the cells of one side, or of two (rows and columns), whatever the other
    parameters are, and how far the trees differ about it (1 sigma)."""

    mean: Floats
    spread: Floats


class Importance:
    """What a forest says of an experiment's results.

    `fit` is the share of the variance of results it has not seen that the forest predicts: near 0
    or below, its effects mean nothing. `used` of the results were learned, `far` of them were so
    far off that they were brought nearer. Where not too many results were left to be learned from,
    `outside` is how many had values that are not in the space.

    Raises AnnotateError where fewer than LEAST results lie in the space, all are the same, or the
    space has no parameters.
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
                f"it takes {LEAST} results, and {self.used} lie in the search space"
            )
        if not space:
            raise AnnotateError("the search space has no parameters")
        learned = [results[n] for n in sorted(inside)]
        y, self.far = _tame(np.array([y for _, y in learned], dtype=float))
        if not y.std():
            raise AnnotateError(f"the {self.used} results are all the same")
        self.cells = Cells(space)
        self._middle, self._unit = float(y.mean()), float(y.std())
        rows = self.cells.rows(values for values, _ in learned)
        forest = Forest(self.cells, rows, (y - self._middle) / self._unit, seed=seed)
        self.fit = forest.fit
        self._boxes = [_Boxes(self.cells, tree) for tree in forest.trees]
        self.mains = self._main_effects()
        self.pairs = self._interactions()

    def marginal(self, *sides: int) -> Marginal:
        """Along one side or over two different ones, where both exist."""
        found = [self._middle + self._unit * boxes.given(sides) for boxes in self._boxes]
        return Marginal(np.mean(found, axis=0), np.std(found, axis=0))

    def _main_effects(self) -> list[Effect]:
        """The greatest first."""
        sides = range(len(self.cells))
        found = np.array([[boxes.main(side) for side in sides] for boxes in self._boxes])
        effects = [_effect((side,), found[:, side]) for side in sides]
        return sorted(effects, key=lambda effect: -effect.share)

    def _interactions(self) -> list[Effect]:
        """Of the parameters that matter most alone; the greatest first."""
        sides = sorted(effect.sides[0] for effect in self.mains[:_PAIRED])
        pairs = list(combinations(sides, 2))
        found = np.array([[boxes.pair(*pair) for pair in pairs] for boxes in self._boxes])
        effects = [_effect(pair, found[:, n]) for n, pair in enumerate(pairs)]
        return sorted(effects, key=lambda effect: -effect.share)


class _Boxes:
    """The leaves of a tree as boxes whose sides have lengths, and what follows from them."""

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
        """The share of the variance that a side explains alone."""
        means = self._along(side).T @ (self._mass / self._lengths[:, side])
        self._alone[side] = float((means**2).mean()) - self._mean**2
        return self._share(self._alone[side])

    def pair(self, one: int, other: int) -> float:
        """The share that two sides explain together, beyond what each does alone."""
        rest = self._mass / (self._lengths[:, one] * self._lengths[:, other])
        means = (self._along(one) * rest[:, None]).T @ self._along(other)
        together = float((means**2).mean()) - self._mean**2
        return self._share(together - self._alone[one] - self._alone[other])

    def given(self, sides: Sequence[int]) -> Floats:
        """The mean over the cells of one side or two, where the choices above them are made."""
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


def _tame(y: Floats) -> tuple[Floats, int]:
    """Results that are far off brought to where far begins, and how many they are.

    One loss of 1e30 would be all the variance there is.
    """
    low, high = np.quantile(y, (0.1, 0.9))
    if high == low:
        return y, 0
    near = np.clip(y, low - _FAR * (high - low), high + _FAR * (high - low))
    return near, int((near != y).sum())
