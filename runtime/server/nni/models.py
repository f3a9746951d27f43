"""The documents of NNI's REST API, with its names. Times are milliseconds since the epoch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

NniState = Literal[
    "WAITING",
    "RUNNING",
    "SUCCEEDED",
    "FAILED",
    "EARLY_STOPPED",
    "USER_CANCELED",
    "SYS_CANCELED",
]


class Metric(BaseModel):
    """One result; `data` is JSON text inside a JSON string, as in NNI."""

    timestamp: int
    trialJobId: str
    parameterId: str
    type: Literal["PERIODICAL", "FINAL"]
    sequence: int
    data: str


class TrialResult(BaseModel):
    """A trial's values and its final result; `value` is JSON text."""

    parameter: dict[str, Any]
    value: str
    trialJobId: str


class TrialJob(BaseModel):
    """One trial; `hyperParameters` and the results' `data` are JSON text."""

    id: str
    trialJobId: str
    sequenceId: int
    status: NniState
    hyperParameters: list[str]
    logPath: str
    stderrPath: str
    startTime: int | None = None
    endTime: int | None = None
    finalMetricData: list[Metric] | None = None
    message: str | None = None


class ExperimentParams(BaseModel):
    """The experiment's settings; durations are in seconds."""

    authorName: str = "default"
    experimentName: str
    trialConcurrency: int
    maxExecDuration: float | None
    maxTrialNum: int | None
    searchSpace: str
    trainingServicePlatform: str
    tuner: dict[str, Any]
    assessor: dict[str, Any] | None = None
    versionCheck: bool = False


class ExperimentProfile(BaseModel):
    id: str
    revision: int
    execDuration: int
    logDir: str
    nextSequenceId: int
    startTime: int
    endTime: int | None = None
    params: ExperimentParams


NniStatus = Literal["INITIALIZED", "RUNNING", "ERROR", "STOPPING", "STOPPED", "DONE"]


class ExperimentInfo(BaseModel):
    """An experiment in the list of all; `pid` is its driver's process."""

    id: str
    experimentName: str
    status: NniStatus
    platform: str
    startTime: int
    endTime: int | None = None
    logDir: str
    port: int | None = None
    pid: int | None = None
    webuiUrl: list[str] = []
    tag: list[str] = []


class Status(BaseModel):
    status: NniStatus
    errors: list[str]


class StateCount(BaseModel):
    trialJobStatus: NniState
    trialJobNumber: int


class ChangedParams(BaseModel):
    """Only the field that `update_type` names is read."""

    model_config = ConfigDict(extra="ignore")
    trialConcurrency: int | Literal["auto"] | None = None
    maxExecDuration: float | str | None = None
    maxTrialNum: int | None = None
    searchSpace: str | dict[str, Any] | None = None


class ChangedProfile(BaseModel):
    model_config = ConfigDict(extra="ignore")
    params: ChangedParams


class Done(BaseModel):
    """The driver's answer."""

    message: str


class NewTrial(BaseModel):
    sequenceId: int | None
    message: str


class Problem(BaseModel):
    error: str
    hint: str = ""
