"""Results from elsewhere, for the tuner to learn from: other experiments, files; and trials that
a person wants first."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotate.errors import AnnotateError, SpaceError
from annotate.json_value import JSON
from annotate.space import SearchSpace, Values
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import Origin, TrialState, number
from runtime.kept.tables import csv_rows
from runtime.loop.trials import Trials
from runtime.store import Store
from runtime.store.history import KnownResult

_UNTOLD = (TrialState.INTERRUPTED, TrialState.SYS_CANCELED, TrialState.USER_CANCELED)


def of_experiment(folder: ExperimentFolder) -> list[dict[str, JSON]]:
    """The results of another experiment, as `fitting` takes them."""
    with Store.open(folder.store) as store:
        ended = [t for t in store.trials() if t.state.ended and t.state not in _UNTOLD]
    return [{"parameter": t.values, "value": t.lesson} for t in ended]


def of_file(path: Path) -> list[JSON]:
    """The results in a file: NNI's `[{"parameter": {...}, "value": 0.9}]`, what `--json` prints,
    or a table where its name ends in .csv. Raises AnnotateError that names file and place.

    Trials that say nothing about their values are left out.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = csv_rows(text) if path.suffix.lower() == ".csv" else json.loads(text)
    except OSError as error:
        raise AnnotateError(f"{path}: {error.strerror or error}") from None
    except json.JSONDecodeError as error:
        raise AnnotateError(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise AnnotateError(f"{path}: not UTF-8 text at byte {error.start}") from None
    if isinstance(found, dict):
        found = found.get("trials")
    if not isinstance(found, list):
        hint = 'it holds a list: [{"parameter": {"lr": 0.1}, "value": 0.9}]'
        raise AnnotateError(f"{path} holds no results", hint=hint)
    return [result for result in found if not _says_nothing(result)]


def _says_nothing(result: JSON) -> bool:
    """Whether its trial was cut off; stopped early, it may have had no result to keep."""
    if not isinstance(result, Mapping):
        return False
    stopped = result.get("state") == TrialState.EARLY_STOPPED and result.get("value") is None
    return stopped or result.get("state") in _UNTOLD


def fitting(
    space: SearchSpace, results: Iterable[JSON], source: str
) -> tuple[list[KnownResult], list[str]]:
    """What fits the space, and of the others why they do not. A null value is a failed trial."""
    known, misfits = [], []
    for result in results:
        try:
            known.append(_known(space, result, source))
        except SpaceError as error:
            misfits.append(error.message)
    return known, misfits


def _known(space: SearchSpace, result: JSON, source: str) -> KnownResult:
    if not isinstance(result, Mapping):
        raise SpaceError(f"{result!r} is no object")
    values = result.get("parameter", result.get("values"))
    if not isinstance(values, Mapping):
        raise SpaceError("it has no parameter")
    own = dict(_own(space, values))
    metric = result.get("value", result.get("metric"))
    if metric is not None:
        metric = number(metric)
        if not math.isfinite(metric):
            raise SpaceError("its value is no finite number")
    return KnownResult(space.locate(own), metric, source)


def _own(space: SearchSpace, values: Mapping[str, JSON]) -> Iterator[tuple[str, JSON]]:
    """By whole keys; what is no parameter, as a budget, is passed over."""
    for name, value in values.items():
        try:
            yield space.resolve(name).key, value
        except SpaceError:
            continue


def sentence(known: Sequence[KnownResult], misfits: Sequence[str], source: str) -> str:
    """What became of the results, for a person."""
    text = f"{_count(len(known))} from {source} for the tuner to learn from"
    if misfits:
        text += f"; {len(misfits)} left out, the first: {misfits[0]}"
    return text


def _count(count: int) -> str:
    return "1 result" if count == 1 else f"{count} results"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a new experiment begins with: what the tuner learns, the trials that come first."""

    known: tuple[KnownResult, ...] = ()
    queued: tuple[Values, ...] = ()

    def put(self, folder: ExperimentFolder, config: Config) -> ExperimentFolder:
        """Put it into the experiment in `folder`, which has not begun."""
        if self.known or self.queued:
            with Store.open(folder.store, write=True) as store:
                for one in self.known:
                    store.add_history(one)
                self._wait(Trials(store, store.experiment().space, lambda trial: None), config)
        return folder

    def _wait(self, trials: Trials, config: Config) -> None:
        if self.queued and config.baseline:
            trials.new(Origin.BASELINE, {})
        for values in self.queued:
            trials.new(Origin.USER, values)
