"""Experiments and trials as documents of NNI's REST API."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping

from annotate.json_value import JSON
from runtime.core.config import Config
from runtime.core.metrics import finite
from runtime.core.options import AUTO
from runtime.core.paths import ExperimentFolder
from runtime.core.received import received
from runtime.core.trial import Origin, Trial, TrialState
from runtime.kept.documents import trial_document
from runtime.kept.experiments import current_state
from runtime.server.nni.models import (
    ExperimentInfo,
    ExperimentParams,
    ExperimentProfile,
    Metric,
    NniState,
    Status,
    TrialJob,
)
from runtime.store import ExperimentRow
from runtime.store.reader import Reader
from runtime.system.lock import Lock, is_held

_SOURCES = {Origin.BASELINE: "baseline", Origin.TUNER: "algorithm", Origin.USER: "customized"}


def profile(
    folder: ExperimentFolder, row: ExperimentRow, states: Mapping[str, int]
) -> ExperimentProfile:
    """The experiment; `states` counts its trials by state."""
    config = Config.from_json(row.config)
    trials = sum(states.values())
    end = row.ended or time.time()
    return ExperimentProfile(
        id=row.id,
        revision=trials,
        execDuration=max(0, round(end - row.created - row.paused)),
        logDir=str(folder.path),
        nextSequenceId=trials,
        startTime=_milliseconds(row.created),
        endTime=_milliseconds_of(row.ended),
        params=_params(config, row, states.get(TrialState.RUNNING, 0)),
    )


def _params(config: Config, row: ExperimentRow, running: int) -> ExperimentParams:
    arguments = {**config.tuner_args, "optimize_mode": config.optimize}
    assessor = {
        "builtinAssessorName": config.assessor,
        "classArgs": {**config.assessor_args, "optimize_mode": config.optimize},
    }
    return ExperimentParams(
        experimentName=row.name,
        # NNI's field is a number, so `auto` is as many as run now.
        trialConcurrency=running if config.concurrency == AUTO else config.concurrency,
        maxExecDuration=config.max_duration,
        maxTrialNum=config.max_trials,
        searchSpace=json.dumps(finite(row.space.to_json())),
        trainingServicePlatform=_platform(config),
        tuner={"builtinTunerName": config.tuner, "classArgs": finite(arguments)},
        assessor=finite(assessor) if config.assessor else None,
    )


def info(folder: ExperimentFolder, row: ExperimentRow, port: int | None) -> ExperimentInfo:
    """The experiment in the list of all; `port` is this server's."""
    holder = Lock(folder.lock).holder() if is_held(folder.lock) else ""
    return ExperimentInfo(
        id=row.id,
        experimentName=row.name,
        status=current_state(row, folder)[0],  # type: ignore[arg-type]
        platform=_platform(Config.from_json(row.config)),
        startTime=_milliseconds(row.created),
        endTime=_milliseconds_of(row.ended),
        logDir=str(folder.path),
        port=port,
        pid=int(holder) if holder.isdecimal() else None,
        webuiUrl=[] if port is None else [f"http://127.0.0.1:{port}"],
    )


def _platform(config: Config) -> str:
    """NNI's name of where trials run, as far as it has one."""
    return "remote" if config.executor == "ssh" else config.executor


def status(folder: ExperimentFolder, row: ExperimentRow) -> Status:
    state, reason = current_state(row, folder)
    errors = [reason] if reason and state == "ERROR" else []
    return Status.model_validate({"status": state, "errors": errors})


def trial_job(folder: ExperimentFolder, config: Config, reader: Reader, trial: Trial) -> TrialJob:
    document = trial_document(trial)
    place = folder.trial(trial.number)
    parameters = {
        "parameter_id": document["number"],
        "parameter_source": _SOURCES[trial.origin],
        "parameters": finite(received(config, folder, trial.values)),
        "parameter_index": 0,
    }
    return TrialJob(
        id=document["id"],
        trialJobId=document["id"],
        sequenceId=document["number"],
        status=nni_state(trial.state),
        hyperParameters=[json.dumps(parameters)],
        logPath=f"file://localhost:{place.path}",
        stderrPath=f"file://localhost:{place.stderr}",
        startTime=_milliseconds(document["started"] or document["created"]),
        endTime=_milliseconds_of(document["ended"]),
        finalMetricData=None if trial.metric is None else [_final(reader, trial)],
        message=document["reason"],
    )


def nni_state(state: TrialState) -> NniState:
    """NNI's name of the state; it has none for INTERRUPTED."""
    return "SYS_CANCELED" if state is TrialState.INTERRUPTED else state.value


def metrics(reader: Reader, trials: list[Trial], *, latest: bool = False) -> Iterator[Metric]:
    """The trials' results in order. With `latest`, only the last intermediate one of each."""
    for trial in trials:
        first = max(0, trial.reports - 1) if latest else 0
        for _, sequence, value, when in reader.reports([trial.number], first):
            yield _metric(trial, "PERIODICAL", sequence, value, when)
        if trial.metric is not None:
            yield _final(reader, trial)


def _final(reader: Reader, trial: Trial) -> Metric:
    when = trial.ended or trial.started or trial.created
    return _metric(trial, "FINAL", 0, reader.final(trial.number), when)


def _metric(trial: Trial, kind: str, sequence: int, value: JSON, when: float) -> Metric:
    return Metric.model_validate(
        {
            "timestamp": _milliseconds(when),
            "trialJobId": trial.id,
            "parameterId": str(trial.number),
            "type": kind,
            "sequence": sequence,
            "data": json.dumps(json.dumps(finite(value))),
        }
    )


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _milliseconds_of(seconds: float | None) -> int | None:
    return None if seconds is None else _milliseconds(seconds)
