"""NNI's REST API under /api/v1/nni: experiments, trials and their results, to read."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as PathPart
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

import annotate
from annotate.errors import AnnotateError
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import TrialState
from runtime.kept import lookup
from runtime.server import finding
from runtime.server.finding import MaybeExperiment, TrialId
from runtime.server.nni import documents
from runtime.server.nni.models import (
    ExperimentInfo,
    ExperimentProfile,
    Metric,
    Problem,
    StateCount,
    Status,
    TrialJob,
)
from runtime.store import Store
from runtime.store.reader import Reader

SequenceId = Annotated[int, PathPart(ge=0, le=10**12, description="a trial's number")]

_CHUNK = 500  # trials at a time, to bound memory

router = APIRouter(
    prefix="/api/v1/nni", tags=["NNI"], responses={404: {"model": Problem}, 401: {"model": Problem}}
)


@router.get("/version")
def version() -> str:
    """The version of this program."""
    return annotate.__version__


@router.get("/experiment")
def experiment(experiment: MaybeExperiment = None) -> ExperimentProfile:
    """The experiment's settings and progress."""
    folder = finding.experiment(experiment)
    with Store.open(folder.store) as store, Reader(folder.store) as reader:
        return documents.profile(folder, store.experiment(), reader.states())


@router.get("/experiments-info", response_model_exclude_none=True)
def experiments_info(request: Request) -> list[ExperimentInfo]:
    """All experiments, the newest first."""
    infos = []
    for folder in lookup.folders():
        with contextlib.suppress(AnnotateError):  # its file is damaged
            infos.append(_info(folder, request))
    return infos


@router.get("/experiment-metadata", response_model_exclude_none=True)
def experiment_metadata(request: Request, experiment: MaybeExperiment = None) -> ExperimentInfo:
    """What the list of all experiments has about one."""
    return _info(finding.experiment(experiment), request)


def _info(folder: ExperimentFolder, request: Request) -> ExperimentInfo:
    with Store.open(folder.store) as store:
        return documents.info(folder, store.experiment(), request.url.port)


@router.get("/check-status")
def check_status(experiment: MaybeExperiment = None) -> Status:
    """The experiment's state; `errors` has the reason if it is ERROR."""
    folder = finding.experiment(experiment)
    with Store.open(folder.store) as store:
        return documents.status(folder, store.experiment())


@router.get("/trial-jobs", response_model_exclude_none=True)
def trial_jobs(
    experiment: MaybeExperiment = None, status: TrialState | None = None
) -> list[TrialJob]:
    """All trials by number, or only those in one state."""
    folder = finding.experiment(experiment)
    with Store.open(folder.store) as store, Reader(folder.store) as reader:
        config = Config.from_json(store.experiment().config)
        trials = [t for t in store.trials() if status in (None, t.state)]
        return [documents.trial_job(folder, config, reader, trial) for trial in trials]


@router.get("/trial-jobs/{trial}", response_model_exclude_none=True)
def trial_job(trial: TrialId, experiment: MaybeExperiment = None) -> TrialJob:
    """One trial."""
    folder = finding.experiment(experiment)
    with Store.open(folder.store) as store, Reader(folder.store) as reader:
        config = Config.from_json(store.experiment().config)
        return documents.trial_job(folder, config, reader, finding.trial(reader, trial))


@router.get("/metric-data", response_model=list[Metric])
def metric_data(experiment: MaybeExperiment = None) -> StreamingResponse:
    """All results of all trials."""
    folder = finding.experiment(experiment)
    return StreamingResponse(_metrics(folder.store, latest=False), media_type="application/json")


@router.get("/metric-data/{trial}")
def metric_data_of(trial: TrialId, experiment: MaybeExperiment = None) -> list[Metric]:
    """All results of one trial."""
    folder = finding.experiment(experiment)
    with Reader(folder.store) as reader:
        return list(documents.metrics(reader, [finding.trial(reader, trial)]))


@router.get("/metric-data-range/{first}/{last}")
def metric_data_range(
    first: SequenceId, last: SequenceId, experiment: MaybeExperiment = None
) -> list[Metric]:
    """All results of the trials with the numbers `first` to `last`."""
    folder = finding.experiment(experiment)
    with Reader(folder.store) as reader:
        trials = reader.trials(first, max(0, last - first + 1))
        return list(documents.metrics(reader, [t for t in trials if t.number <= last]))


@router.get("/metric-data-latest", response_model=list[Metric])
def metric_data_latest(experiment: MaybeExperiment = None) -> StreamingResponse:
    """The final and the last intermediate result of each trial."""
    folder = finding.experiment(experiment)
    return StreamingResponse(_metrics(folder.store, latest=True), media_type="application/json")


@router.get("/job-statistics")
def job_statistics(experiment: MaybeExperiment = None) -> list[StateCount]:
    """The number of trials in each state."""
    folder = finding.experiment(experiment)
    with Reader(folder.store) as reader:
        counts: dict[str, int] = {}
        for state, count in reader.states().items():
            name = documents.nni_state(TrialState(state))
            counts[name] = counts.get(name, 0) + count
    rows = [{"trialJobStatus": name, "trialJobNumber": n} for name, n in counts.items()]
    return [StateCount.model_validate(row) for row in rows]


async def _metrics(path: Path, *, latest: bool) -> AsyncIterator[str]:
    """A JSON list, streamed a chunk of trials at a time."""
    first, separator = 0, "["
    while True:
        last, texts = await run_in_threadpool(_chunk, path, first, latest)
        if texts:
            yield separator + ",".join(texts)
            separator = ","
        if last is None:
            break
        first = last + 1
    yield "]" if separator == "," else "[]"


def _chunk(path: Path, first: int, latest: bool) -> tuple[int | None, list[str]]:
    with Reader(path) as reader:
        trials = reader.trials(first, _CHUNK)
        texts = [m.model_dump_json() for m in documents.metrics(reader, trials, latest=latest)]
    return (trials[-1].number if trials else None), texts
