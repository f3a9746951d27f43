"""The changes in NNI's REST API; each one is a request to the experiment's driver."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body

from annotate import limits
from annotate.errors import AnnotateError, SpaceError
from annotate.json_value import JSON
from annotate.space import SearchSpace
from runtime.core import requests
from runtime.core.paths import ExperimentFolder
from runtime.core.received import by_name
from runtime.kept import tables
from runtime.server import finding
from runtime.server.finding import MaybeExperiment, TrialId
from runtime.server.nni.models import ChangedParams, ChangedProfile, Done, NewTrial, Problem
from runtime.store import Store
from runtime.store.reader import Reader

UpdateType = Literal["TRIAL_CONCURRENCY", "MAX_EXEC_DURATION", "MAX_TRIAL_NUM", "SEARCH_SPACE"]

#: From NNI's name of a change: the field it reads, the request, and the request's argument.
_UPDATES = {
    "TRIAL_CONCURRENCY": ("trialConcurrency", "concurrency", "value"),
    "MAX_EXEC_DURATION": ("maxExecDuration", "duration", "seconds"),
    "MAX_TRIAL_NUM": ("maxTrialNum", "trials", "value"),
    "SEARCH_SPACE": ("searchSpace", "space", "space"),
}

router = APIRouter(
    prefix="/api/v1/nni",
    tags=["NNI"],
    responses={
        code: {"model": Problem, "description": text}
        for code, text in {
            401: "the token is missing or wrong",
            403: "the Host or Origin header names another server",
            404: "there is no such experiment or trial",
            409: "the experiment is not running, or its driver refused",
            411: "the Content-Length header is missing",
            413: "the body is too large",
            415: "the content type is not application/json",
        }.items()
    },
)


@router.delete("/trial-jobs/{trial}")
def kill(trial: TrialId, experiment: MaybeExperiment = None) -> Done:
    """Stop a running trial, or withdraw a waiting one."""
    folder = finding.experiment(experiment)
    with Reader(folder.store) as reader:
        number = finding.trial(reader, trial).number
    return Done(message=requests.ask(folder, "kill", trial=number))


@router.put("/experiment")
def update(
    update_type: UpdateType, profile: ChangedProfile, experiment: MaybeExperiment = None
) -> Done:
    """Change one limit of the running experiment."""
    folder = finding.experiment(experiment)
    field, kind, argument = _UPDATES[update_type]
    value = _value(profile.params, field)
    return Done(message=requests.ask(folder, kind, **{argument: value}))


@router.post("/trial-jobs")
def new_trial(
    values: Annotated[
        dict[str, Any], Body(description="values by the parameters' short names or keys")
    ],
    experiment: MaybeExperiment = None,
) -> NewTrial:
    """Run a trial with the given values; parameters left out keep the value in the script."""
    folder = finding.experiment(experiment)
    return NewTrial(sequenceId=None, message=enqueue(folder, values))


@router.post("/experiment/import-data")
def import_data(
    results: Annotated[
        list[dict[str, Any]], Body(description='[{"parameter": {"lr": 0.1}, "value": 0.9}]')
    ],
    experiment: MaybeExperiment = None,
) -> Done:
    """Have the running experiment's tuner learn results from elsewhere."""
    folder = finding.experiment(experiment)
    imported: list[JSON] = [tables.imported(result) for result in results]
    return Done(message=requests.ask(folder, "import", results=imported))


def _value(params: ChangedParams, field: str) -> JSON:
    value = getattr(params, field)
    if value is None:
        raise AnnotateError(f"params.{field} is missing")
    return _space(value) if field == "searchSpace" else value


def _space(value: JSON) -> JSON:
    if isinstance(value, str):
        value = limits.json_value(value, "searchSpace")
    return SearchSpace.from_json(value).to_json()


def enqueue(folder: ExperimentFolder, values: dict[str, JSON]) -> str:
    """Ask the driver to run a trial with these values, after checking them.

    They may also be an option of the space's only choice, as NNI's BatchTuner gives it to scripts.
    """
    with Store.open(folder.store) as store:
        space = store.experiment().space
    checked = {}
    for name, value in by_name(space, values).items():
        parameter = space.resolve(name)
        try:
            checked[parameter.key] = parameter.domain.locate(value)
        except SpaceError as error:
            hint = f"its domain is {parameter.domain}"
            raise SpaceError(f"{parameter.name}: {error}", hint=hint) from None
    return requests.ask(folder, "enqueue", values=checked)
