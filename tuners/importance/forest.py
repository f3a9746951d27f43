"""A random forest for regression over the cells of a space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuners.geometry.axes import Bools, Floats, Ints
from tuners.geometry.cells import Cells

_TREES = 24
_LEAST = 3  # results in a leaf
_FEATURES = 5 / 6  # share of the sides that each split considers, as in SMAC's forests


@dataclass(frozen=True, slots=True)
class Tree:
    """The leaves of a tree as boxes of cells.

    `boxes` has a row for each leaf, which marks its cells; the last column, for sides that a
    sample lacks, is always true. `values` holds the mean of each leaf.
    """

    boxes: Bools
    values: Floats

    def predict(self, rows: Ints) -> Floats:
        """The prediction for each sample, a row of `Cells.rows`."""
        inside = np.ones((len(self.boxes), len(rows)), dtype=bool)
        for cells in rows.T:
            inside &= self.boxes[:, cells]
        return np.asarray(self.values[inside.argmax(axis=0)])


class Forest:
    """A random forest: Breiman, Random Forests, 2001.

    A side is split only where all samples have it. Options are split in the order of their means,
    which finds the best of all subsets for squared errors (Fisher, 1958). If a split may lie in
    any of several empty cells, one is chosen at random, so that trees differ where nothing is
    known. `fit` is the share of the variance of out-of-bag results that the forest predicts.
    """

    def __init__(self, cells: Cells, rows: Ints, y: Floats, *, seed: int) -> None:
        rng = np.random.default_rng(seed)
        total, count = np.zeros(len(y)), np.zeros(len(y))
        self.trees = []
        for _ in range(_TREES):
            drawn = rng.integers(0, len(y), len(y))
            tree = _Growing(cells, rows[drawn], y[drawn], rng).tree()
            self.trees.append(tree)
            left_out = np.setdiff1d(np.arange(len(y)), drawn)
            total[left_out] += tree.predict(rows[left_out])
            count[left_out] += 1
        self.fit = _explained(y[count > 0], (total / np.maximum(count, 1))[count > 0])


def _explained(y: Floats, predicted: Floats) -> float:
    """The share of the variance that is predicted; below 0 if the mean would predict better."""
    spread = float(((y - y.mean()) ** 2).sum()) if len(y) else 0.0
    return 1 - float(((y - predicted) ** 2).sum()) / spread if spread else 0.0


class _Growing:
    """A tree that is being grown from a bootstrap sample of the results."""

    def __init__(self, cells: Cells, rows: Ints, y: Floats, rng: np.random.Generator) -> None:
        self._cells, self._rows, self._y, self._rng = cells, rows, y, rng
        self._above = [cells.above(number) for number in range(len(cells))]
        self._by_mean = cells.unordered
        self._considers = max(1, round(_FEATURES * len(cells)))

    def tree(self) -> Tree:
        boxes, values = [], []
        all_cells = np.ones(self._cells.total + 1, dtype=bool)
        open_nodes = [(np.arange(len(self._y)), all_cells)]
        while open_nodes:
            samples, box = open_nodes.pop()
            split = self._split(samples, box)
            if split is None:
                boxes.append(box)
                values.append(self._y[samples].mean())
                continue
            side, left = split
            goes = left[self._rows[samples, side]]
            for part, cells in ((samples[goes], left), (samples[~goes], ~left)):
                smaller = box.copy()
                span = self._cells[side].span
                smaller[span] &= cells[span]
                open_nodes.append((part, smaller))
        return Tree(np.array(boxes), np.array(values))

    def _split(self, samples: Ints, box: Bools) -> tuple[int, Bools] | None:
        """The best side to split, and which of its cells go left; None for a leaf."""
        y = self._y[samples]
        y = y - y.mean()
        squares = float(y @ y)
        if len(samples) < 2 * _LEAST or squares <= 1e-12:
            return None
        counts, sums = self._bins(self._rows[samples], y)
        order = self._order(counts, sums)
        left, less = self._running(counts[order]), self._running(sums[order])
        right = len(samples) - left
        may = self._exist(box)[self._cells.owner] & (left >= _LEAST) & (right >= _LEAST)
        # The mean is 0, so the sums of the two parts differ only in sign.
        gains = np.where(may, less**2 / np.maximum(left, 1) + less**2 / np.maximum(right, 1), 0)
        considered = np.where(self._considered()[self._cells.owner], gains, 0)
        gains = considered if considered.any() else gains
        best = gains.max()
        if best <= 1e-9 * squares:
            return None
        at = int(self._rng.choice(np.flatnonzero(gains >= best * (1 - 1e-12))))
        side = int(self._cells.owner[at])
        goes = np.zeros(self._cells.total + 1, dtype=bool)
        goes[order[self._cells.firsts[side] : at + 1]] = True
        return side, goes

    def _bins(self, rows: Ints, y: Floats) -> tuple[Floats, Floats]:
        """The number of results in each cell, and their sum."""
        flat, most = rows.ravel(), self._cells.total + 1
        counts = np.bincount(flat, minlength=most)
        sums = np.bincount(flat, np.repeat(y, rows.shape[1]), most)
        return counts[:-1].astype(float), np.asarray(sums[:-1], dtype=float)

    def _order(self, counts: Floats, sums: Floats) -> Ints:
        """The cells, one side after another; those of a choice in the order of their means."""
        if not self._by_mean.any():
            return np.arange(self._cells.total)
        means = np.where(self._by_mean, sums / np.maximum(counts, 1), np.arange(len(sums)))
        return np.asarray(np.lexsort((means, self._cells.owner)))

    def _running(self, ordered: Floats) -> Floats:
        """Cumulative sums that start anew at each side."""
        sums = np.cumsum(ordered)
        before = sums[self._cells.firsts] - ordered[self._cells.firsts]
        return np.asarray(sums - before[self._cells.owner])

    def _considered(self) -> Bools:
        """A random selection of the sides that this split considers."""
        considered = np.zeros(len(self._cells), dtype=bool)
        considered[self._rng.permutation(len(considered))[: self._considers]] = True
        return considered

    def _exist(self, box: Bools) -> Bools:
        """Which sides exist everywhere in the box: the choices above them are decided there."""
        exist = np.ones(len(self._cells), dtype=bool)
        for number, above in enumerate(self._above):
            for cell in above:
                span = self._cells[int(self._cells.owner[cell])].span
                exist[number] &= bool(box[cell]) and int(box[span].sum()) == 1
        return exist
