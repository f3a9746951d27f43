"""Trials as JSON documents. `--json`, both REST APIs, pages and exports show parts of these.

nan and the infinities are the strings "nan", "inf" and "-inf", so every document is strict JSON.
Times are seconds since the epoch; None if not known yet.
"""

from __future__ import annotations

import time

from annotate.json_value import JSON
from runtime.core.config import Config
from runtime.core.metrics import finite
from runtime.core.trial import Trial, best
from runtime.kept.notes import read_notes
from runtime.store import Store


def trial_document(trial: Trial) -> dict[str, JSON]:
    """Everything known about one trial but its reports."""
    return {
        "number": trial.number,
        "id": trial.id,
        "state": trial.state.value,
        "origin": trial.origin.value,
        "values": finite(trial.values),
        "metric": finite(trial.metric),
        "reports": trial.reports,
        "last": finite(trial.last),
        "created": trial.created,
        "started": trial.started,
        "ended": trial.ended,
        "reason": trial.reason,
        "gpu": None if trial.gpu is None else trial.gpu.to_json(),
        "retries": trial.retries,
        "machine": None if trial.place is None else trial.place.get("machine"),
    }


def best_document(trial: dict[str, JSON] | None) -> JSON:
    """The best trial's number, metric and values, from its document; None if there is none.

    Its `machine` is named if it is another than this, its `state` if no trial ran to its end: the
    metric is then its last result.
    """
    if trial is None:
        return None
    best = {"trial": trial["number"], "metric": trial["metric"], "values": trial["values"]}
    best |= {"machine": trial["machine"]} if trial["machine"] else {}
    return best | ({"state": trial["state"]} if trial["state"] != "SUCCEEDED" else {})


def trial_documents(store: Store) -> list[dict[str, JSON]]:
    """All trials by number, with their intermediate results and the seconds they have run."""
    now, curves = time.time(), store.curves()
    return [
        trial_document(trial)
        | {
            "intermediate": finite(curves.get(trial.number, [])),
            "seconds": _rounded(trial.seconds(now)),
        }
        for trial in store.trials()
    ]


def results_document(store: Store) -> dict[str, JSON]:
    """One experiment with all its trials, as `run --json` prints it."""
    row = store.experiment()
    config = Config.from_json(row.config)
    top = best(store.trials(), maximize=config.maximize)
    return {
        "experiment": row.id,
        "state": row.state,
        "reason": row.reason,
        "metric_name": config.metric_name,
        "optimize": config.optimize,
        "optimize_by": config.optimize_by,
        "best": best_document(trial_document(top) if top else None),
        "notes": read_notes(store),
        "trials": trial_documents(store),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
