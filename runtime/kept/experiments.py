"""An experiment as a JSON document. The CLI, the pages and NNI's REST API show parts of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.core.config import Config
from runtime.core.metrics import finite
from runtime.core.new_settings import without_updates
from runtime.core.paths import ExperimentFolder
from runtime.kept.documents import best_document, trial_document
from runtime.kept.notes import read_notes
from runtime.store import ExperimentRow, Store
from runtime.store.reader import Reader
from runtime.system.lock import is_held

Document = dict[str, JSON]


def current_state(row: ExperimentRow, folder: ExperimentFolder) -> tuple[str, str | None]:
    """The experiment's state and reason: STOPPED if its driver died without storing one."""
    if row.state in ("INITIALIZED", "RUNNING") and not is_held(folder.lock):
        return "STOPPED", "its driver died; all results are kept"
    return row.state, row.reason


def experiment_document(folder: ExperimentFolder, row: ExperimentRow, reader: Reader) -> Document:
    """The experiment's state, limits and progress.

    `counts` is the number of trials in each state, `best` the document of the best trial. Times
    are seconds since the epoch, durations seconds. `paused` is the time in which no driver ran.
    `metric_name` and `optimize_by` as in Config.
    """
    config = Config.from_json(row.config)
    state, reason = current_state(row, folder)
    best = reader.top(1, maximize=config.maximize)
    return {
        "id": row.id,
        "name": row.name,
        "state": state,
        "reason": reason,
        "created": row.created,
        "ended": row.ended,
        "paused": row.paused,
        "folder": str(folder.path),
        "metric_name": config.metric_name,
        "optimize": config.optimize,
        "optimize_by": config.optimize_by,
        "max_trials": config.max_trials,
        "max_duration": config.max_duration,
        "concurrency": config.concurrency,
        "tuner": config.tuner,
        "counts": reader.states(),
        "best": trial_document(best[0]) if best else None,
    }


def read(folder: ExperimentFolder) -> Document:
    """`experiment_document` with the experiment's configuration and search space."""
    with Store.open(folder.store) as store, Reader(folder.store) as reader:
        row = store.experiment()
        document = experiment_document(folder, row, reader)
    return document | {
        "config": finite(without_updates(row.config)),
        "space": finite(row.space.to_json()),
    }


def read_each(
    folders: Iterable[ExperimentFolder], on_damage: Callable[[AnnotateError], None]
) -> Iterator[Document]:
    """`read` for each folder. For one that cannot be read, `on_damage` is called instead."""
    for folder in folders:
        try:
            document = read(folder)
        except AnnotateError as error:
            on_damage(AnnotateError(f"experiment {folder.id} cannot be read: {error}"))
        else:
            yield document


def list_entry(experiment: Document) -> Document:
    """What `experiment list --json` prints for each experiment."""
    document = _select(experiment, "id", "name", "state", "created", "folder")
    return document | {"trials": _count(experiment)}


def status(experiment: Document) -> Document:
    """What `experiment status --json` prints: `trials` is the number in each state."""
    document = _select(experiment, "id", "state", "reason", "max_trials", "metric_name")
    best = best_document(experiment["best"])
    return document | {"trials": experiment["counts"], "best": best}


def details(folder: ExperimentFolder) -> Document:
    """What `experiment show --json` prints; `notes` as in `runtime.kept.notes`."""
    experiment = read(folder)
    with Store.open(folder.store) as store:
        notes = read_notes(store)
    names = ("id", "name", "state", "reason", "created", "ended", "folder", "metric_name")
    best = best_document(experiment["best"])
    document = _select(experiment, *names, "optimize", "optimize_by", "config", "space")
    return document | {"trials": _count(experiment), "best": best, "notes": notes}


def progress(experiment: Document) -> Document:
    """What `top --json` prints for each experiment; `seconds` is the time since it began."""
    document = _select(
        experiment, "id", "name", "state", "max_trials", "concurrency", "metric_name"
    )
    best = best_document(experiment["best"])
    return document | {
        "seconds": round(time.time() - experiment["created"], 1),
        "trials": experiment["counts"],
        "best": best and {"trial": best["trial"], "metric": best["metric"]},
    }


def _select(document: Document, *names: str) -> Document:
    return {name: document[name] for name in names}


def _count(experiment: Document) -> int:
    return sum(experiment["counts"].values())
