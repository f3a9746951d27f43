"""`--enqueue` and `--warm-start`: trials and results that come before the tuner's first values."""

from __future__ import annotations

import sys

from annotate.errors import AnnotateError
from annotate.space import SearchSpace, Values
from runtime.cli.given_values import parse_values
from runtime.core.config import Config
from runtime.loop.known_results import WarmStart
from runtime.store.history import KnownResult


def start(
    config: Config,
    space: SearchSpace,
    enqueue: list[list[tuple[str, str]]],
    warm_start: list[str],
) -> tuple[WarmStart, list[str]]:
    """What a new experiment starts with, and notes about it for the user.

    Raises AnnotateError for values outside the search space and for an unknown experiment.
    """
    queued = _queued(config, space, enqueue)
    known, notes = _known(config, space, warm_start)
    return WarmStart(tuple(known), tuple(queued)), notes


def _queued(
    config: Config, space: SearchSpace, assignments: list[list[tuple[str, str]]]
) -> list[Values]:
    queued = [parse_values(space, pairs) for pairs in assignments]
    limit = (config.max_trials or sys.maxsize) - config.baseline
    if len(queued) > limit:
        raise AnnotateError(
            f"--max-trials {config.max_trials} is too low for all trials of --enqueue"
        )
    return queued


def _known(
    config: Config, space: SearchSpace, names: list[str]
) -> tuple[list[KnownResult], list[str]]:
    from runtime.kept import lookup
    from runtime.loop import known_results
    from runtime.store import Store

    known: list[KnownResult] = []
    notes = []
    for name in names:
        folder, _ = lookup.find(name)
        with Store.open(folder.store) as store:
            other = Config.from_json(store.experiment().config)
        if other.path != config.path:
            notes.append(f"experiment {folder.id} tuned another script, {other.path}")
        source = f"experiment {folder.id}"
        if other.metric_name and config.metric_name not in ("", other.metric_name):
            notes.append(
                f"experiment {folder.id} reported {other.metric_name}, this one reports"
                f" {config.metric_name}"
            )
        split = known_results.split_by_space(space, known_results.of_experiment(folder), source)
        notes.append(split.sentence(source))
        known += split.known
    return known, notes
