"""Tree-structured Parzen estimators, based on hyperopt's."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from annotate.domains import Choice
from annotate.space import SearchSpace, Values
from tuners.arguments import at_least, between
from tuners.base import TunerError
from tuners.fresh import FreshTuner
from tuners.geometry.axes import Floats
from tuners.geometry.coordinates import Coordinate, Levels
from tuners.geometry.cube import Cube
from tuners.geometry.latin_hypercube import spread
from tuners.parzen import REMEMBERED, Parzen
from tuners.rows import Rows

#: The most results that count as good; the number is hyperopt's.
_MOST_GOOD = 25
#: What the prior adds to each option among the good results: with less, a choice settles on the
#: first option that did well. Among the bad results the prior adds less with each result, so that
#: an option that was hardly tried stands out.
_OPTION_WEIGHT = 0.5
#: The lies of NNI 2.7, and of None, with which running trials do not count.
_LIES = {"best": "min", "worst": "max", None: "max"}


class TPE(FreshTuner):
    """Draws from a density of the good values and proposes the draw least like the bad ones.

    Bergstra, Bardenet, Bengio and Kégl, Algorithms for Hyper-Parameter Optimization, NIPS 2011,
    section 4: of `n_ei_candidates` draws from l, equation 2, the one with the greatest l / g has
    the greatest expected improvement. NNI's page Tuner/HyperoptTuner.

    The estimators are hyperopt's. Unlike hyperopt's `tpe.suggest`, the search starts with a Latin
    hypercube of `n_startup_jobs` points, the best share `gamma` of all results counts as good,
    and parameters that exist together are estimated and drawn together. Failures are bad.

    Pending trials count as results with the loss that `constant_liar_type` selects: the greatest
    so far (`max`, which repels), the least (`min`, which attracts) or the `mean`. Without
    `parallel_optimize` they do not count. The newest `linear_forgetting` of the good results, and
    of the bad ones, keep their full weight.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        parallel_optimize: bool = True,
        constant_liar_type: Literal["min", "max", "mean"] = "max",
        n_startup_jobs: int = 10,
        n_ei_candidates: int = 24,
        prior_weight: float = 1.0,
        gamma: float = 0.12,
        linear_forgetting: int = REMEMBERED,
    ) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        at_least("n_startup_jobs", n_startup_jobs, 1)
        at_least("n_ei_candidates", n_ei_candidates, 1)
        at_least("prior_weight", prior_weight, 1e-6)
        between("gamma", gamma, 0.001, 0.999)
        at_least("linear_forgetting", linear_forgetting, 1)
        self._lie = constant_liar_type if parallel_optimize else None
        self._startup = n_startup_jobs
        self._candidates = n_ei_candidates
        self._prior_weight = prior_weight
        self._gamma = gamma
        self._remembered = linear_forgetting
        self._cube = Cube(space)
        self._coordinates = self._cube.coordinates
        self._rows = Rows(self, len(self._coordinates), self._row)
        self._losses = array("d")

    @classmethod
    def own_arguments(cls, args: Mapping[str, Any]) -> dict[str, Any]:
        """Take NNI 2.7's `tpe_args`, which hold the arguments and name the lies differently."""
        own = dict(args)
        inner = own.pop("tpe_args", None)
        if inner is None:
            return own
        if not isinstance(inner, Mapping):
            raise TunerError(f"tpe: tpe_args must be a section with arguments, not {inner!r}")
        if twice := own.keys() & inner.keys():
            raise TunerError(f"tpe: {min(twice)} is both in tpe_args and beside it")
        own |= inner
        if "constant_liar_type" in inner:
            lie = inner["constant_liar_type"]
            own["parallel_optimize"] = lie is not None
            own["constant_liar_type"] = _LIES.get(lie, lie)
        return own

    def propose(self, rng: np.random.Generator) -> Values:
        if len(self.results) < self._startup:
            number = len(self.results) + len(self.pending)
            return spread(self._cube, self._startup, number, self.seed, rng)
        good, bad = self._split()
        drawn: Levels = {}
        groups = [self._coordinates.children()]
        while groups:
            group = groups.pop()
            for c, level in zip(group, self._best(group, good, bad, rng), strict=True):
                drawn[c.number] = level
                if isinstance(c.domain, Choice):
                    groups.append(self._coordinates.children(c.number, int(level)))
        return self._coordinates.values(drawn)

    def _row(self, values: Values) -> list[float]:
        """The level of every coordinate; nan if it does not exist in the values."""
        levels = self._coordinates.levels(values)
        return [levels.get(c.number, math.nan) for c in self._coordinates]

    def _split(self) -> tuple[Floats, Floats]:
        """The rows of the good and of the bad observations, each oldest first."""
        for result in self.results[len(self._losses) :]:
            self._losses.append(math.inf if result.loss is None else result.loss)
        losses, rows = np.array(self._losses), self._rows.results()
        count = min(math.ceil(self._gamma * len(losses)), _MOST_GOOD)
        if self._lie:
            pending = self._rows.pending()
            losses = np.append(losses, np.full(len(pending), _lie(self._lie, losses)))
            rows = np.concatenate([rows, pending])
        order = np.argsort(losses, kind="stable")
        return rows[np.sort(order[:count])], rows[np.sort(order[count:])]

    def _best(
        self,
        group: Sequence[Coordinate],
        good: Floats,
        bad: Floats,
        rng: np.random.Generator,
    ) -> list[float]:
        """A level for each coordinate of a group that exists together."""
        if not group:
            return []
        numbers = [c.number for c in group]
        likely, unlikely = (
            Parzen(
                group,
                _existing(part[:, numbers]),
                self._prior_weight,
                added,
                remembered=self._remembered,
            )
            for part, added in ((good, _OPTION_WEIGHT * self._prior_weight), (bad, None))
        )
        rows = likely.draw(rng, self._candidates)
        chosen = int(np.argmax(likely.log_density(rows) - unlikely.log_density(rows)))
        return [float(level) for level in rows[chosen]]


def _existing(rows: Floats) -> Floats:
    """The rows in which the coordinates of a group exist."""
    return np.asarray(rows[~np.isnan(rows[:, 0])])


def _lie(kind: str, losses: Floats) -> float:
    finite = losses[np.isfinite(losses)]
    if not len(finite):
        return math.inf
    if kind == "mean":
        return float(np.mean(finite / 2) * 2)
    return float(finite.max() if kind == "max" else finite.min())
