"""The pages' own API: experiments, trials, logs, curves, live updates and requests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from annotate.space import SearchSpace
from runtime.core import requests
from runtime.core.metrics import finite
from runtime.kept import lookup, tables
from runtime.kept.documents import trial_document
from runtime.kept.experiments import experiment_document
from runtime.server import describe, finding, searching, sending
from runtime.server.finding import ExperimentId, TrialId
from runtime.server.nni.changes import enqueue
from runtime.server.sources import apply_diff, sources
from runtime.server.watch import Watch
from runtime.store import Store
from runtime.store.reader import Query as TableQuery
from runtime.store.reader import Reader

_LOG_BYTES = 1 << 18  # shown from the end of a log
_CURVES = 200  # trials per request for curves or values


class RequestArguments(BaseModel):
    """The arguments of a request to the driver; each kind takes some of them."""

    model_config = ConfigDict(extra="forbid")
    trial: int = Field(default=0, ge=0, le=10**12)
    value: int | Annotated[str, Field(max_length=100)] | None = 1
    seconds: str | None = Field(default=None, max_length=100)
    values: dict[str, Any] = {}
    space: dict[str, Any] = {}


router = APIRouter(prefix="/api/v1/experiments", include_in_schema=False)


@router.get("")
def experiments() -> list[dict[str, JSON]]:
    """All experiments, newest first; one that cannot be read has an error instead."""
    rows = []
    for folder in lookup.folders():
        try:
            with Store.open(folder.store) as store, Reader(folder.store) as reader:
                rows.append(experiment_document(folder, store.experiment(), reader))
        except AnnotateError as error:
            rows.append({"id": folder.id, "error": str(error)})
    return rows


@router.get("/{id}")
def experiment(id: ExperimentId) -> dict[str, JSON]:  # noqa: A002  named like the path's part
    folder = finding.experiment(id)
    with Store.open(folder.store) as store, Reader(folder.store) as reader:
        return describe.experiment(folder, store, reader)


@router.get("/{id}/events")
async def events(id: ExperimentId, request: Request, since: str = "") -> StreamingResponse:  # noqa: A002
    """Live updates as JSON lines, until the client disconnects."""
    watches: dict[str, Watch] = request.app.state.watches
    if id not in watches:
        watches[id] = Watch(finding.experiment(id))
    return StreamingResponse(watches[id].lines(since), media_type="application/x-ndjson")


@router.get("/{id}/trials")
def trials(
    id: ExperimentId,  # noqa: A002
    search: Annotated[str, Query(max_length=500)] = "",
    state: Annotated[list[str], Query()] = [],  # noqa: B006  FastAPI copies it
    sort: Annotated[str, Query(max_length=500)] = "number",
    descending: bool = False,
    offset: Annotated[int, Query(ge=0, le=10**12)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, JSON]:
    """One page of the table; `search` holds words, a number, and conditions like `lr<0.1`."""
    folder = finding.experiment(id)
    with Store.open(folder.store) as store, Reader(folder.store) as reader:
        row = store.experiment()
        name = str(row.config.get("metric_name", ""))
        text, conditions = searching.parse(search, row.space, name)
        query = TableQuery(
            text, tuple(state), conditions, sort, descending, offset, limit, time.time()
        )
        total, rows = reader.table(query)
    return {"total": total, "trials": [trial_document(row) for row in rows]}


@router.get("/{id}/trials/{trial}")
def trial(id: ExperimentId, trial: TrialId) -> dict[str, JSON]:  # noqa: A002
    folder = finding.experiment(id)
    with Reader(folder.store) as reader:
        document = trial_document(finding.trial(reader, trial))
        final = finite(reader.final(document["number"]))
    path = folder.trial(document["number"]).path
    # A trial that has ended without printing or writing anything has no folder.
    return {**document, "final": final, "folder": str(path) if path.exists() else ""}


@router.get("/{id}/trials/{trial}/log/{stream}")
def log(
    id: ExperimentId,  # noqa: A002
    trial: TrialId,
    stream: Literal["stdout", "stderr"],
    after: Annotated[int, Query(ge=0, le=10**15)] = 0,
) -> Response:
    """The end of the trial's output, without the bytes before `after`.

    The header X-From is the offset of the first byte in the file.
    """
    return _tail(_log_file(id, trial, stream), after)


@router.get("/{id}/trials/{trial}/log/{stream}/whole")
def whole_log(
    id: ExperimentId,  # noqa: A002
    trial: TrialId,
    stream: Literal["stdout", "stderr"],
) -> Response:
    """The trial's whole output, to download."""
    return sending.whole(_log_file(id, trial, stream))


@router.get("/{id}/log")
def driver_log(id: ExperimentId) -> Response:  # noqa: A002
    """The driver's whole log, to download."""
    return sending.whole(finding.experiment(id).log)


@router.get("/{id}/curves")
def curves(
    id: ExperimentId,  # noqa: A002
    trial: Annotated[list[int], Query(max_length=_CURVES)],
    first: Annotated[int, Query(ge=0, le=10**12)] = 0,
) -> dict[int, list[list[JSON]]]:
    """[sequence, value, time] of the trials' intermediate results, from sequence `first` on."""
    folder = finding.experiment(id)
    reports: dict[int, list[list[JSON]]] = {number: [] for number in trial}
    with Reader(folder.store) as reader:
        for number, sequence, value, when in reader.reports(list(reports), first):
            reports[number].append([sequence, finite(value), when])
    return reports


@router.get("/{id}/values")
def values(
    id: ExperimentId,  # noqa: A002
    trial: Annotated[list[int], Query(max_length=_CURVES)] = [],  # noqa: B006  FastAPI copies it
) -> dict[int, JSON]:
    """The values of these trials, or of all trials if none is named."""
    folder = finding.experiment(id)
    with Reader(folder.store) as reader:
        return {number: finite(values) for number, values in reader.values(trial)}


@router.get("/{id}/source")
def source(id: ExperimentId) -> list[dict[str, JSON]]:  # noqa: A002
    """The annotated files, with the position of each parameter."""
    folder = finding.experiment(id)
    with Store.open(folder.store) as store:
        space = store.experiment().space
    return sources(folder, space)


@router.get("/{id}/apply")
def apply(
    id: ExperimentId,  # noqa: A002
    trial: Annotated[int | None, Query(ge=0, le=10**12)] = None,
) -> dict[str, JSON]:
    """The diff that `annotate apply` would print. Writes nothing."""
    return apply_diff(finding.experiment(id).id, trial)


@router.get("/{id}/results.{kind}")
def results(id: ExperimentId, kind: Literal["json", "csv"]) -> Response:  # noqa: A002
    """All trials that have ended, as `annotate experiment export` writes them."""
    folder = finding.experiment(id)
    rows = tables.rows(folder, intermediate=True)
    text = tables.csv_text(rows) if kind == "csv" else tables.json_text(rows)
    media = "application/json" if kind == "json" else "text/csv"
    name = f'attachment; filename="{folder.id}.{kind}"'
    return Response(text, media_type=media, headers={"Content-Disposition": name})


@router.post("/{id}/requests/{kind}")
def ask(
    id: ExperimentId,  # noqa: A002
    kind: Literal["stop", "kill", "concurrency", "trials", "duration", "space", "enqueue"],
    body: RequestArguments,
) -> dict[str, str]:
    """Send a request to the experiment's driver and return its answer."""
    folder = finding.experiment(id)
    arguments = body.model_dump(exclude_unset=True)
    if set(arguments) != set(requests.KINDS[kind]):
        names = ", ".join(requests.KINDS[kind]) or "no arguments"
        raise AnnotateError(f"the request {kind!r} takes {names}")
    if kind == "enqueue":
        return {"message": enqueue(folder, arguments["values"])}
    if kind == "space":
        arguments["space"] = SearchSpace.from_json(body.space).to_json()
    return {"message": requests.ask(folder, kind, **arguments)}


def _log_file(id: str, trial: str, stream: str) -> Path:  # noqa: A002
    folder = finding.experiment(id)
    with Reader(folder.store) as reader:
        place = folder.trial(finding.trial(reader, trial).number)
    return place.stdout if stream == "stdout" else place.stderr


def _tail(path: Path, after: int) -> Response:
    try:
        with path.open("rb") as file:
            start = min(max(after, file.seek(0, 2) - _LOG_BYTES), file.tell())
            file.seek(start)
            data = file.read(_LOG_BYTES)
    except OSError:
        start, data = 0, b""  # nothing has been printed yet
    return Response(data, media_type=sending.TEXT, headers={"X-From": str(start)})
