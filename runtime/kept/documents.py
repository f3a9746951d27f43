"""An experiment's results as documents: what `--json` prints, for people's own programs."""

from __future__ import annotations

import math
import time

from annotate.json_value import JSON
from runtime.core.config import Config
from runtime.core.metrics import finite
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import Trial, best
from runtime.store import ExperimentRow, Store
from runtime.system.lock import is_held


def experiment_document(store: Store) -> dict[str, JSON]:
    """One experiment with all its trials, in strict JSON."""
    row, trials = store.experiment(), store.trials()
    config = Config.from_json(row.config)
    return {
        "experiment": row.id,
        "state": row.state,
        "reason": row.reason,
        "optimize": config.optimize,
        "best": best_document(row, trials),
        "trials": trial_documents(store),
    }


def best_document(row: ExperimentRow, trials: list[Trial]) -> JSON:
    """The best trial's number, metric and values; None where none has a result."""
    found = best(trials, maximize=Config.from_json(row.config).maximize)
    return finite(found and {"trial": found.number, "metric": found.metric, "values": found.values})


def trial_documents(store: Store) -> list[dict[str, JSON]]:
    """The trials by number. A metric that is no finite number is null; an intermediate result
    that is none is the string "nan", "inf" or "-inf"; seconds are wall-clock."""
    now = time.time()
    curves = store.curves()
    return [_trial_document(t, curves.get(t.number, []), now) for t in store.trials()]


def _trial_document(trial: Trial, curve: list[JSON], now: float) -> dict[str, JSON]:
    seconds = trial.seconds(now)
    whole = trial.metric is not None and math.isfinite(trial.metric)
    return {
        "number": trial.number,
        "id": trial.id,
        "state": trial.state.value,
        "values": finite(trial.values),
        "metric": trial.metric if whole else None,
        "intermediate": [finite(value) for value in curve],
        "seconds": None if seconds is None else round(seconds, 3),
        "reason": trial.reason,
        "gpu": None if trial.gpu is None else trial.gpu.to_json(),
        "retries": trial.retries,
    }


def state_now(row: ExperimentRow, folder: ExperimentFolder) -> tuple[str, str | None]:
    """The experiment's state and its reason, also where its driver died and could not say so."""
    if row.state in ("INITIALIZED", "RUNNING") and not is_held(folder.lock):
        return "STOPPED", "its driver ended without a word; the results are kept"
    return row.state, row.reason
