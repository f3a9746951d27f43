"""What the pages ask: experiments, their trials, logs and curves, and what changes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
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
from runtime.server import describe, finding, searching
from runtime.server.finding import ExperimentId, TrialId
from runtime.server.nni.changes import enqueue
from runtime.server.sources import apply_diff, sources
from runtime.server.watch import Watch
from runtime.store import Store, StoreError
from runtime.store.reader import Query as TableQuery
from runtime.store.reader import Reader

_LOG_BYTES = 1 << 18  # the end of a log that is shown
_CURVES = 200  # trials whose curves or values are asked for at a time
_TEXT = "text/plain; charset=utf-8"


class Wanted(BaseModel):
    """The arguments of a request; which of them, its kind says."""

    model_config = ConfigDict(extra="forbid")
    trial: int = Field(default=0, ge=0, le=10**12)
    value: int | Annotated[str, Field(max_length=100)] | None = 1
    seconds: str | None = Field(default=None, max_length=100)
    values: dict[str, Any] = {}
    space: dict[str, Any] = {}


router = APIRouter(prefix="/api/v1/experiments", include_in_schema=False)


@router.get("")
def experiments() -> list[dict[str, JSON]]:
    """Every experiment, the newest first; one that can't be read says why."""
    found = []
    for folder in lookup.folders():
        try:
            with Store.open(folder.store) as store, Reader(folder.store) as reader:
                found.append(describe.head(folder, store.experiment(), reader))
        except StoreError as error:
            found.append({"id": folder.id, "error": str(error)})
    return found


@router.get("/{id}")
def experiment(id: ExperimentId) -> dict[str, JSON]:  # noqa: A002  as the path has it
    folder = finding.experiment(id)
    with Store.open(folder.store) as store, Reader(folder.store) as reader:
        return describe.experiment(folder, store.experiment(), reader)


@router.get("/{id}/events")
async def events(id: ExperimentId, request: Request, since: str = "") -> StreamingResponse:  # noqa: A002
    """JSON lines, as long as somebody listens."""
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
    """A page of the table; `search` is a text, a number, and conditions like `lr<0.1`."""
    folder = finding.experiment(id)
    with Store.open(folder.store) as store, Reader(folder.store) as reader:
        text, conditions = searching.parse(search, store.experiment().space)
        query = TableQuery(
            text, tuple(state), conditions, sort, descending, offset, limit, time.time()
        )
        total, rows = reader.table(query)
    return {"total": total, "trials": [describe.trial(row) for row in rows]}


@router.get("/{id}/trials/{trial}")
def trial(id: ExperimentId, trial: TrialId) -> dict[str, JSON]:  # noqa: A002
    folder = finding.experiment(id)
    with Reader(folder.store) as reader:
        found = finding.trial(reader, trial)
        final = finite(reader.final(found.number))
    place = folder.trial(found.number)
    return {**describe.trial(found), "final": final, "folder": str(place.path)}


@router.get("/{id}/trials/{trial}/log/{stream}")
def log(
    id: ExperimentId,  # noqa: A002
    trial: TrialId,
    stream: Literal["stdout", "stderr"],
    after: Annotated[int, Query(ge=0, le=10**15)] = 0,
) -> Response:
    """The end of what the trial printed, of that only what is behind the byte `after`.

    The header X-From says at which byte of the file the answer begins.
    """
    return _end_of(_printed(id, trial, stream), after)


@router.get("/{id}/trials/{trial}/log/{stream}/whole")
def whole_log(
    id: ExperimentId,  # noqa: A002
    trial: TrialId,
    stream: Literal["stdout", "stderr"],
) -> Response:
    """All that the trial printed, to keep."""
    return _whole(_printed(id, trial, stream))


@router.get("/{id}/log")
def driver_log(id: ExperimentId) -> Response:  # noqa: A002
    """All of the driver's own log, to keep."""
    return _whole(finding.experiment(id).log)


@router.get("/{id}/curves")
def curves(
    id: ExperimentId,  # noqa: A002
    trial: Annotated[list[int], Query(max_length=_CURVES)],
    first: Annotated[int, Query(ge=0, le=10**12)] = 0,
) -> dict[int, list[list[JSON]]]:
    """[sequence, value, time] of the trials' intermediate results from `first` on."""
    folder = finding.experiment(id)
    found: dict[int, list[list[JSON]]] = {number: [] for number in trial}
    with Reader(folder.store) as reader:
        for number, sequence, value, when in reader.reports(list(found), first):
            found[number].append([sequence, finite(value), when])
    return found


@router.get("/{id}/values")
def values(
    id: ExperimentId,  # noqa: A002
    trial: Annotated[list[int], Query(max_length=_CURVES)] = [],  # noqa: B006  FastAPI copies it
) -> dict[int, JSON]:
    """The values of these trials; of every trial where none is named."""
    folder = finding.experiment(id)
    with Reader(folder.store) as reader:
        return {number: finite(given) for number, given in reader.values(trial)}


@router.get("/{id}/source")
def source(id: ExperimentId) -> list[dict[str, JSON]]:  # noqa: A002
    """The annotated files, and where the parameters stand in them."""
    folder = finding.experiment(id)
    with Store.open(folder.store) as store:
        space = store.experiment().space
    return sources(folder, space)


@router.get("/{id}/apply")
def apply(
    id: ExperimentId,  # noqa: A002
    trial: Annotated[int | None, Query(ge=0, le=10**12)] = None,
) -> dict[str, JSON]:
    """The diff that `annotate apply` would print; nothing is written."""
    return apply_diff(finding.experiment(id).id, trial)


@router.get("/{id}/results.{kind}")
def results(id: ExperimentId, kind: Literal["json", "csv"]) -> Response:  # noqa: A002
    """Every trial that has ended, as `annotate experiment export` writes them."""
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
    wanted: Wanted,
) -> dict[str, str]:
    """Have the experiment's driver do something."""
    folder = finding.experiment(id)
    given = wanted.model_dump(exclude_unset=True)
    if set(given) != set(requests.KINDS[kind]):
        raise AnnotateError(f"{kind} takes {', '.join(requests.KINDS[kind]) or 'nothing'}")
    if kind == "enqueue":
        return {"message": enqueue(folder, given["values"])}
    if kind == "space":
        given["space"] = SearchSpace.from_json(wanted.space).to_json()
    return {"message": requests.ask(folder, kind, **given)}


def _printed(id: str, given: str, stream: str) -> Path:  # noqa: A002
    folder = finding.experiment(id)
    with Reader(folder.store) as reader:
        place = folder.trial(finding.trial(reader, given).number)
    return place.stdout if stream == "stdout" else place.stderr


def _end_of(path: Path, after: int) -> Response:
    try:
        with path.open("rb") as file:
            start = min(max(after, file.seek(0, 2) - _LOG_BYTES), file.tell())
            file.seek(start)
            data = file.read(_LOG_BYTES)
    except OSError:
        start, data = 0, b""  # nothing was printed yet
    return Response(data, media_type=_TEXT, headers={"X-From": str(start)})


def _whole(path: Path) -> Response:
    # Not as a file, whose length would be told first: it may be growing.
    return StreamingResponse(_chunks(path), media_type=_TEXT)


def _chunks(path: Path) -> Iterator[bytes]:
    with contextlib.suppress(OSError), path.open("rb") as file:  # nothing was printed yet
        while chunk := file.read(_LOG_BYTES):
            yield chunk
