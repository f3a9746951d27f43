"""The algorithms that can be chosen by name; none is imported before it is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from annotate.space import SearchSpace
from tuners.arguments import checked, meant
from tuners.base import Assessor, Tuner, TunerError


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A tuner or an assessor that can be chosen by its own name or by NNI's.

    `place` is `module:class`. `extra` names the extra of the distribution that it needs.
    """

    name: str
    nni_names: tuple[str, ...]
    summary: str
    place: str
    extra: str = ""

    def load(self) -> type[Any]:
        """Its class; raises TunerError where a package that it needs is not installed."""
        module, _, name = self.place.partition(":")
        try:
            found: type[Any] = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            if not self.extra:
                raise
            raise TunerError(
                f"{self.name} needs the package {error.name}",
                hint=f"pip install 'annotate-hpo[{self.extra}]'",
            ) from None
        return found


TUNERS: tuple[Algorithm, ...] = (
    Algorithm("auto", (), "Bayesian optimisation for any space", "tuners.auto.tuner:Auto"),
    Algorithm("tpe", ("TPE",), "Parzen estimators of good and bad values", "tuners.tpe:TPE"),
    Algorithm("random", ("Random",), "independent random draws", "tuners.random:Random"),
    Algorithm(
        "anneal", ("Anneal",), "draws closer and closer to good values", "tuners.anneal:Anneal"
    ),
    Algorithm("gp", ("GPTuner",), "Bayesian optimisation", "tuners.gp:GPTuner"),
    Algorithm("metis", ("MetisTuner",), "explores or exploits by gain", "tuners.metis:MetisTuner"),
    Algorithm("smac", ("SMAC",), "a random forest's gain", "tuners.smac:SMAC", "smac"),
    Algorithm("cmaes", (), "a normal distribution that adapts", "tuners.cmaes:CMAES", "cmaes"),
    Algorithm(
        "evolution", ("Evolution",), "children of the better members", "tuners.evolution:Evolution"
    ),
    Algorithm(
        "hyperband",
        ("Hyperband",),
        "many with small budgets, few with great ones",
        "tuners.budgets.hyperband:Hyperband",
    ),
    Algorithm("bohb", ("BOHB",), "hyperband, drawing by a model", "tuners.budgets.bohb:BOHB"),
    Algorithm("asha", (), "budgets that grow without waiting", "tuners.budgets.asha:AshaTuner"),
    Algorithm("pbt", ("PBTTuner",), "a population that trains on", "tuners.pbt:PBT"),
    Algorithm("grid", ("GridSearch",), "every point of a finite space", "tuners.grid:GridSearch"),
    Algorithm("batch", ("BatchTuner",), "a list of configurations", "tuners.batch:BatchTuner"),
)

ASSESSORS: tuple[Algorithm, ...] = (
    Algorithm(
        "medianstop",
        ("Medianstop",),
        "below the others' median",
        "tuners.assessors.median:Medianstop",
    ),
    Algorithm(
        "curvefitting",
        ("Curvefitting",),
        "predicted to end below the best",
        "tuners.assessors.curvefit:Curvefitting",
    ),
    Algorithm("asha", (), "not among the best at a rung", "tuners.assessors.asha:Asha"),
)


def create(
    name: str, space: SearchSpace, *, seed: int, maximize: bool = False, **args: Any
) -> Tuner:
    """The tuner called `name`, NNI's names included, upper or lower case.

    `args` are the algorithm's own (NNI's `classArgs`); `optimize_mode` overrides `maximize`.
    Raises TunerError for an unknown name or argument, and for a space that it cannot take.
    """
    algorithm = find(name, TUNERS, "tuner")
    if not len(space):
        raise TunerError(
            "the search space has no parameter: there is nothing to tune",
            hint="annotate a value, for example # @nni.loguniform(1e-5, 1e-1)",
        )
    tuner = algorithm.load()
    maximize = _direction(algorithm.name, args.pop("optimize_mode", None), maximize)
    given = checked(algorithm.name, tuner, args)
    made: Tuner = tuner(space, seed=seed, maximize=maximize, **given)
    return made


def create_assessor(name: str, *, maximize: bool = False, **args: Any) -> Assessor:
    """The assessor called `name`; names and `args` as in `create`."""
    algorithm = find(name, ASSESSORS, "assessor")
    assessor = algorithm.load()
    maximize = _direction(algorithm.name, args.pop("optimize_mode", None), maximize)
    given = checked(algorithm.name, assessor, args)
    made: Assessor = assessor(maximize=maximize, **given)
    return made


def find(name: str, algorithms: tuple[Algorithm, ...], noun: str) -> Algorithm:
    """The algorithm called `name`; raises TunerError with what may have been meant, and all."""
    names: Mapping[str, Algorithm] = {
        _plain(n): algorithm
        for algorithm in algorithms
        for n in (algorithm.name, *algorithm.nni_names)
    }
    if _plain(name) in names:
        return names[_plain(name)]
    listed = ", ".join(algorithm.name for algorithm in algorithms)
    close = meant(name, [n for a in algorithms for n in (a.name, *a.nni_names)])
    raise TunerError(
        f"there is no {noun} {name!r}; there are {listed}", hint=close or "choose one of them"
    )


def _plain(name: str) -> str:
    """`Grid Search`, `grid-search` and `GridSearch` are one name."""
    return "".join(c for c in name.lower() if c.isalnum())


def _direction(name: str, mode: Any, maximize: bool) -> bool:
    if mode is None:
        return maximize
    if mode not in ("maximize", "minimize"):
        hint = meant(str(mode), ("maximize", "minimize"))
        raise TunerError(
            f"{name}: optimize_mode is 'maximize' or 'minimize', not {mode!r}", hint=hint
        )
    return bool(mode == "maximize")
