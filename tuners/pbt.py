"""Population based training."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from annotate.domains import Choice
from annotate.space import SearchSpace, Values
from tuners.arguments import at_least, between
from tuners.base import Exhausted, Tuner
from tuners.budgets.budget import key
from tuners.geometry.axes import axis
from tuners.geometry.coordinates import Coordinate, Coordinates, Levels, draw, snap
from tuners.geometry.cube import Cube
from tuners.geometry.latin_hypercube import spread

LOAD, SAVE = "load_checkpoint_dir", "save_checkpoint_dir"


@dataclass(slots=True)
class Member:
    """A member of the population; `checkpoint` is the folder of its last training."""

    config: Values
    checkpoint: str


class PBT(Tuner):
    """Trains a population in steps; after each one, the worst members copy the best.

    Jaderberg et al., Population Based Training of Neural Networks, arXiv:1711.09846, section 3,
    algorithm 1, with truncation selection and perturbation as in section 4.1; NNI's page
    Tuner/PBTTuner. A trial is one step of one member: it loads the checkpoint in
    `load_checkpoint_dir` (empty at first), trains for a while, saves to `save_checkpoint_dir` and
    reports. Once all `population_size` members have reported, the worst `fraction` and all that
    failed continue from the checkpoint and the values of one of the best `fraction`. Each value
    is drawn anew with `resample_probability`; otherwise a number is multiplied by 1 + `factor` or
    1 - `factor`, and a choice moves to a neighbouring option.

    Checkpoints are kept in `all_checkpoint_dir`, by default in the experiment's own folder.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        maximize: bool = False,
        population_size: int = 10,
        factor: float = 0.2,
        resample_probability: float = 0.25,
        fraction: float = 0.2,
        all_checkpoint_dir: str = "",
    ) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        at_least("population_size", population_size, 2)
        between("factor", factor, 0, 1)
        between("resample_probability", resample_probability, 0, 1)
        between("fraction", fraction, 0, 0.5)
        self._factor, self._resample = factor, resample_probability
        self._replaced = math.ceil(fraction * population_size - 1e-9)
        self._root = f"{all_checkpoint_dir}/" if all_checkpoint_dir else ""
        self._coordinates = Coordinates(space)
        self._generation = 0
        cube, rng = Cube(space), np.random.default_rng(abs(seed))
        self._members = [
            Member(spread(cube, population_size, n, seed, rng), self._folder(n, 0))
            for n in range(population_size)
        ]
        self._todo = deque(range(population_size))
        self._running: dict[str, int] = {}
        self._losses: dict[int, float] = {}

    def _folder(self, member: int, generation: int) -> str:
        return f"{self._root}{member}/{generation}"

    def ask(self) -> Values:
        if not self._todo:
            raise Exhausted("waiting for the other results of this generation")
        number = self._todo.popleft()
        member = self._members[number]
        save = self._folder(number, self._generation + 1)
        values = {**member.config, LOAD: member.checkpoint, SAVE: save}
        self._running[key(values)] = number
        return values

    def tell(self, values: Values, metric: float | None) -> None:
        self.space.locate({k: v for k, v in values.items() if k not in (LOAD, SAVE)})
        number = self._running.pop(key(values), None)
        if number is None:
            return  # not a member's: there is no checkpoint to continue from
        failed = metric is None or not math.isfinite(metric)
        sign = -1.0 if self.maximize else 1.0
        self._losses[number] = math.inf if failed else sign * float(metric or 0.0)
        if not failed:
            self._members[number].checkpoint = values[SAVE]
        if len(self._losses) == len(self._members):
            self._evolve()

    def _evolve(self) -> None:
        """Start the next generation: replace the worst by the best, keep the others."""
        self._generation += 1
        rng = np.random.default_rng((abs(self.seed), self._generation))
        order = sorted(self._losses, key=lambda number: (self._losses[number], number))
        best = [n for n in order[: self._replaced] if self._losses[n] < math.inf]
        worst = {*order[len(order) - self._replaced :]}
        worst |= {n for n in order if self._losses[n] == math.inf}
        for number in sorted(worst - {*best} if best else ()):
            other = self._members[best[int(rng.integers(len(best)))]]
            config = self._explore(other.config, rng)
            self._members[number] = Member(config, other.checkpoint)
        self._todo.extend(range(len(self._members)))
        self._losses = {}

    def _explore(self, config: Values, rng: np.random.Generator) -> Values:
        levels = self._coordinates.levels(config)
        for number in list(levels):
            if number in levels:
                self._change(self._coordinates[number], levels, rng)
        return self._coordinates.values(levels)

    def _change(self, c: Coordinate, levels: Levels, rng: np.random.Generator) -> None:
        if rng.random() < self._resample:
            draw(self._coordinates, c.number, levels, rng)
            return
        sign = 1 if rng.random() < 0.5 else -1
        if not isinstance(c.domain, Choice):
            step = axis(c.domain).step
            by = max(abs(levels[c.number]) * self._factor, step)
            levels[c.number] = snap(c.domain, levels[c.number] + sign * by)
            return
        option = snap(c.domain, levels[c.number] + sign)
        if option != levels[c.number]:
            levels[c.number] = option
            for child in self._coordinates.children(c.number, option):
                draw(self._coordinates, child.number, levels, rng)
