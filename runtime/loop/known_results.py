"""Results from other experiments and files for the tuner, and trials that the user wants first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from annotate import limits
from annotate.errors import AnnotateError, SpaceError
from annotate.json_value import JSON
from annotate.space import SearchSpace, Values
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.core.received import by_name
from runtime.core.trial import Origin, TrialState, number
from runtime.kept.tables import csv_rows, imported
from runtime.loop.trials import Trials
from runtime.store import Store
from runtime.store.history import KnownResult
from runtime.system.units import count
from tuners.budgets.budget import BUDGET

_UNTOLD = (TrialState.INTERRUPTED, TrialState.SYS_CANCELED, TrialState.USER_CANCELED)


def of_experiment(folder: ExperimentFolder) -> list[dict[str, JSON]]:
    """The results of another experiment, in the form that `split_by_space` takes."""
    with Store.open(folder.store) as store:
        ended = [t for t in store.trials() if t.state.ended and t.state not in _UNTOLD]
    return [{"parameter": t.values, "value": t.lesson} for t in ended]


def of_file(path: Path) -> list[JSON]:
    """The results in a file.

    A file is NNI's `[{"parameter": {...}, "value": 0.9}]`, a document that `--json` printed, or a
    table if its name ends in .csv. Raises AnnotateError that names the file and the place.

    Trials that were interrupted, or stopped before any result, are skipped.
    """
    text = limits.read_text(path)
    is_table = path.suffix.lower() == ".csv"
    results = csv_rows(text, str(path)) if is_table else limits.json_value(text, str(path))
    if isinstance(results, dict):
        results = results.get("trials")
    if not isinstance(results, list):
        hint = 'it must contain a list: [{"parameter": {"lr": 0.1}, "value": 0.9}]'
        raise AnnotateError(f"{path} contains no results", hint=hint)
    return [imported(result) for result in results if not _says_nothing(result)]


def _says_nothing(result: JSON) -> bool:
    """Whether its trial was interrupted, or stopped early without a result."""
    if not isinstance(result, Mapping):
        return False
    stopped = result.get("state") == TrialState.EARLY_STOPPED and result.get("value") is None
    return stopped or result.get("state") in _UNTOLD


@dataclass(frozen=True, slots=True)
class Split:
    """Results from elsewhere, split by the search space.

    `misfits` has the reason for each result outside the space. `ignored` are names that are not
    parameters of the space.
    """

    known: tuple[KnownResult, ...]
    misfits: tuple[str, ...]
    ignored: tuple[str, ...]

    def sentence(self, source: str) -> str:
        """A sentence for the user: how many results the tuner learns from, and what was skipped."""
        text = f"{count(len(self.known), 'result')} from {source} for the tuner to learn from"
        if self.misfits:
            text += f"; {len(self.misfits)} skipped, the first: {self.misfits[0]}"
        if self.ignored:
            text += f"; ignored unknown parameters: {', '.join(self.ignored)}"
        return text


def split_by_space(space: SearchSpace, results: Iterable[JSON], source: str) -> Split:
    """Split the results into those inside the search space and the others.

    A result whose value is null is that of a failed trial.
    """
    known, misfits = [], []
    names = _Names(space)
    for result in results:
        try:
            known.append(_known(space, result, source, names))
        except SpaceError as error:
            misfits.append(error.message)
    return Split(tuple(known), tuple(misfits), tuple(names.ignored))


def _known(space: SearchSpace, result: JSON, source: str, names: _Names) -> KnownResult:
    if not isinstance(result, Mapping):
        raise SpaceError(f"{result!r} is not an object")
    values = by_name(space, result.get("parameter", result.get("values")))
    if not isinstance(values, Mapping):
        raise SpaceError('it has no "parameter"')
    own = {key: value for name, value in values.items() if (key := names.key(name)) is not None}
    metric = result.get("value", result.get("metric"))
    if metric is not None:
        metric = number(metric)
        if not math.isfinite(metric):
            raise SpaceError("its value is not a finite number")
    return KnownResult(space.locate(own), metric, source)


class _Names:
    """Finds parameters by name; remembers each answer, because results repeat their names."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._keys: dict[str, str | None] = {}

    def key(self, name: str) -> str | None:
        """The whole key; None for no parameter. Raises SpaceError if it may mean several."""
        if name not in self._keys:
            known = self._space.called(name)
            self._keys[name] = self._space.resolve(name).key if known else None
        return self._keys[name]

    @property
    def ignored(self) -> list[str]:
        """Names that are no parameter, except the budget's, which each tuner sets by itself."""
        return [name for name, key in self._keys.items() if key is None and name != BUDGET]


@dataclass(frozen=True, slots=True)
class WarmStart:
    """What a new experiment starts with: results the tuner learns, and trials that run first."""

    known: tuple[KnownResult, ...] = ()
    queued: tuple[Values, ...] = ()

    def store_in(self, folder: ExperimentFolder, config: Config) -> None:
        """Store it in the experiment of `folder`, which has not started yet."""
        if self.known or self.queued:
            with Store.open(folder.store, write=True) as store:
                store.add_history(self.known)
                self._enqueue(Trials(store, store.experiment().space, lambda trial: None), config)

    def _enqueue(self, trials: Trials, config: Config) -> None:
        if self.queued and config.baseline:
            trials.new(Origin.BASELINE, {})
        for values in self.queued:
            trials.new(Origin.USER, values)
