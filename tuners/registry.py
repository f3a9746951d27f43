"""The algorithms that can be chosen by name; each is imported only when it is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from annotate.space import SearchSpace
from tuners.arguments import checked, refuse_direction, seed_of, suggestion
from tuners.base import Assessor, Tuner, TunerError


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A tuner or an assessor, chosen by its own name or by NNI's.

    `place` is `module:class`. `extra` is the extra of our distribution that installs what the
    algorithm needs.
    """

    name: str
    nni_names: tuple[str, ...]
    place: str
    extra: str = ""

    def load(self) -> type[Any]:
        """Return its class; raises TunerError if a package that it needs is not installed."""
        module, _, name = self.place.partition(":")
        try:
            algorithm: type[Any] = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            if not self.extra:
                raise
            raise TunerError(
                f"{self.name} needs the package {error.name}",
                hint=f"pip install 'annotate-hpo[{self.extra}]'",
            ) from None
        return algorithm


TUNERS: tuple[Algorithm, ...] = (
    Algorithm("auto", (), "tuners.auto.tuner:Auto"),
    Algorithm("tpe", ("TPE",), "tuners.tpe:TPE"),
    Algorithm("random", ("Random",), "tuners.random:Random"),
    Algorithm("anneal", ("Anneal",), "tuners.anneal:Anneal"),
    Algorithm("gp", ("GPTuner",), "tuners.gp:GPTuner"),
    Algorithm("metis", ("MetisTuner",), "tuners.metis:MetisTuner"),
    Algorithm("smac", ("SMAC",), "tuners.smac:SMAC", "smac"),
    Algorithm("cmaes", (), "tuners.cmaes:CMAES", "cmaes"),
    Algorithm("evolution", ("Evolution",), "tuners.evolution:Evolution"),
    Algorithm("hyperband", ("Hyperband",), "tuners.budgets.hyperband:Hyperband"),
    Algorithm("bohb", ("BOHB",), "tuners.budgets.bohb:BOHB"),
    Algorithm("asha", (), "tuners.budgets.asha:AshaTuner"),
    Algorithm("pbt", ("PBTTuner",), "tuners.pbt:PBT"),
    Algorithm("grid", ("GridSearch",), "tuners.grid:GridSearch"),
    Algorithm("batch", ("BatchTuner",), "tuners.batch:BatchTuner"),
)

ASSESSORS: tuple[Algorithm, ...] = (
    Algorithm("medianstop", ("Medianstop",), "tuners.assessors.median:Medianstop"),
    Algorithm("curvefitting", ("Curvefitting",), "tuners.assessors.curvefit:Curvefitting"),
    Algorithm("asha", (), "tuners.assessors.asha:Asha"),
)


_NETWORKS = (
    "it searches networks, which Annotate does not",
    "auto or evolution tune choices among layers, as function_choice annotates them",
)
#: NNI's tuners that are not here, by their plain names: why, and what to use.
NOT_HERE: Mapping[str, tuple[str, str]] = {
    "networkmorphism": _NETWORKS,
    "ppo": _NETWORKS,
    "enas": _NETWORKS,
    "darts": _NETWORKS,
    "regularizedevolution": _NETWORKS,
    "dngo": (
        "it models results with a neural network",
        "auto and gp model them with a Gaussian process, which needs fewer results",
    ),
}


def create(
    name: str,
    space: SearchSpace,
    *,
    seed: int,
    maximize: bool = False,
    args: Mapping[str, Any] | None = None,
    **more: Any,
) -> Tuner:
    """Create the tuner called `name`, ours or NNI's, in upper or lower case.

    `args` and `more` are the algorithm's own (NNI's `classArgs`). Those in `args` may have any
    name: `seed` and `optimize_mode` override `seed` and `maximize`.
    Raises TunerError for an unknown name or argument, or a space that the tuner cannot take.
    """
    algorithm = find(name, TUNERS, "tuner")
    if not len(space):
        raise TunerError(
            "the search space has no parameters: there is nothing to tune",
            hint="annotate a value, for example: lr = 0.01  # @nni.loguniform(1e-5, 1e-1)",
        )
    tuner, own = algorithm.load(), {**more, **(args or {})}
    refuse_direction(algorithm.name, own)
    own = tuner.own_arguments(own)
    seed = seed_of(algorithm.name, own, seed)
    maximize = _direction(algorithm.name, own.pop("optimize_mode", None), maximize)
    created: Tuner = tuner(
        space, seed=seed, maximize=maximize, **checked(algorithm.name, tuner, own)
    )
    return created


def create_assessor(
    name: str, *, maximize: bool = False, args: Mapping[str, Any] | None = None, **more: Any
) -> Assessor:
    """Create the assessor called `name`; names and arguments as in `create`."""
    algorithm = find(name, ASSESSORS, "assessor")
    assessor, own = algorithm.load(), {**more, **(args or {})}
    refuse_direction(algorithm.name, own)
    maximize = _direction(algorithm.name, own.pop("optimize_mode", None), maximize)
    created: Assessor = assessor(maximize=maximize, **checked(algorithm.name, assessor, own))
    return created


def find(name: str, algorithms: tuple[Algorithm, ...], noun: str) -> Algorithm:
    """The algorithm called `name`; raises TunerError with a suggestion and a list of all."""
    names: Mapping[str, Algorithm] = {
        _plain(n): algorithm
        for algorithm in algorithms
        for n in (algorithm.name, *algorithm.nni_names)
    }
    if _plain(name) in names:
        return names[_plain(name)]
    absent = NOT_HERE.get(_plain(name).removesuffix("tuner"))
    if absent is not None:
        raise TunerError(f"{name} is not here: {absent[0]}", hint=absent[1])
    listed = ", ".join(algorithm.name for algorithm in algorithms)
    close = suggestion(name, [n for a in algorithms for n in (a.name, *a.nni_names)])
    raise TunerError(f"there is no {noun} {name!r}; choose one of {listed}", hint=close)


def _plain(name: str) -> str:
    """Make `Grid Search`, `grid-search` and `GridSearch` the same name."""
    return "".join(c for c in name.lower() if c.isalnum())


def _direction(name: str, mode: Any, maximize: bool) -> bool:
    if mode is None:
        return maximize
    if mode not in ("maximize", "minimize"):
        hint = suggestion(str(mode), ("maximize", "minimize"))
        raise TunerError(
            f"{name}: optimize_mode must be 'maximize' or 'minimize', not {mode!r}", hint=hint
        )
    return bool(mode == "maximize")
