"""NNI's REST API: results, and what trials print and write."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from fastapi.responses import Response

from runtime.core.paths import TrialFolder
from runtime.kept import tables
from runtime.server import finding, sending
from runtime.server.finding import MaybeExperiment, NotFound, TrialId
from runtime.server.nni.models import Problem, TrialResult
from runtime.store import Store
from runtime.store.reader import Reader

LogKind = Literal["TRIAL_LOG", "TRIAL_STDOUT", "TRIAL_STDERR", "TRIAL_ERROR"]

_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {}}}}

router = APIRouter(
    prefix="/api/v1/nni",
    tags=["NNI"],
    responses={code: {"model": Problem} for code in (401, 404)},
)


@router.get("/export-data")
def export_data(experiment: MaybeExperiment = None) -> list[TrialResult]:
    """The values and the final result of each trial that succeeded; `value` is JSON text."""
    rows = tables.rows(finding.experiment(experiment), intermediate=False)
    return [
        TrialResult(
            parameter=row["parameter"],
            value=json.dumps(row["value"]),
            trialJobId=row["trialJobId"],
        )
        for row in rows
        if row["state"] == "SUCCEEDED" and row["value"] is not None
    ]


@router.get("/experiment/imported-data")
def imported_data(experiment: MaybeExperiment = None) -> list[str]:
    """The results that were imported, each as JSON text."""
    with Store.open(finding.experiment(experiment).store) as store:
        known = store.history()
    return [json.dumps({"parameter": r.values, "value": r.metric}) for r in known]


@router.get("/trial-log/{trial}/{kind}", responses=_TEXT)
def trial_log(trial: TrialId, kind: LogKind, experiment: MaybeExperiment = None) -> Response:
    """What a trial has printed."""
    folder = _folder(trial, experiment)
    stream = folder.stdout if kind in ("TRIAL_LOG", "TRIAL_STDOUT") else folder.stderr
    return sending.whole(stream)


@router.get(
    "/trial-file/{trial}/{name}",
    responses={200: {"content": {"text/plain": {}, "application/octet-stream": {}}}},
)
def trial_file(
    trial: TrialId,
    name: Annotated[str, Path(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$")],
    experiment: MaybeExperiment = None,
) -> Response:
    """`stdout` (or `trial.log`), `stderr`, or a file that the trial wrote in NNI_OUTPUT_DIR."""
    folder = _folder(trial, experiment)
    if name in ("stdout", "trial.log", "stderr"):
        return sending.whole(folder.stderr if name == "stderr" else folder.stdout)
    path = folder.output / name
    if path.is_symlink() or not path.is_file():
        raise NotFound(f"trial {trial} has no file {name}")
    return sending.whole(path, "application/octet-stream")


def _folder(trial: str, experiment: str | None) -> TrialFolder:
    folder = finding.experiment(experiment)
    with Reader(folder.store) as reader:
        return folder.trial(finding.trial(reader, trial).number)
