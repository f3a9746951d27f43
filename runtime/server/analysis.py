"""The pages' API over all results together: importance, progress, use of GPUs."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request

from annotate.json_value import JSON
from annotate.parameter import Parameter
from runtime.core.config import Config
from runtime.core.metrics import finite
from runtime.server import describe, finding
from runtime.server.finding import ExperimentId, NotFound
from runtime.server.importances import ComputedImportance, ImportanceCache
from runtime.store import Store
from runtime.store.reader import Reader
from tuners.importance.anova import Effect, Importance, Marginal

_PAIRS = 12  # the most important ones are listed
_TRIALS = 200  # per request

Number = Annotated[int, Query(ge=0, le=10**6)]

router = APIRouter(prefix="/api/v1/experiments", include_in_schema=False)


@router.get("/{id}/importance")
async def importance(id: ExperimentId, request: Request) -> dict[str, JSON]:  # noqa: A002
    """The parameters' shares of the results' variance, and the mean results along each."""
    computed = await _importances(request).of(finding.experiment(id))
    return await asyncio.to_thread(_document, computed)


@router.get("/{id}/importance/pair")
async def pair(
    id: ExperimentId,  # noqa: A002
    request: Request,
    first: Number,
    second: Number,
) -> dict[str, JSON]:
    """The mean result for each cell of two parameters, one row per cell of the first."""
    computed = await _importances(request).of(finding.experiment(id))
    importance = computed.importance
    if importance is None or first == second or max(first, second) >= len(importance.cells):
        raise NotFound(f"parameters {first} and {second} are not a pair")
    return _marginal(await asyncio.to_thread(importance.marginal, first, second))


@router.get("/{id}/progress")
def progress(id: ExperimentId) -> dict[str, JSON]:  # noqa: A002
    """The improvements of the best result, as [trial, seconds since the start, result].

    Ordered by number, and by the time at which the trials ended.
    """
    folder = finding.experiment(id)
    with Store.open(folder.store) as store, Reader(folder.store) as reader:
        row = store.experiment()
        results = [(n, ended - row.created, y) for n, ended, _, y in reader.results()]
    maximize = Config.from_json(row.config).maximize
    by_time = sorted(results, key=lambda result: result[1])
    return {
        "by_number": _steps(results, maximize=maximize),
        "by_time": _steps(by_time, maximize=maximize),
        "last_number": results[-1][0] if results else None,
        "last_seconds": by_time[-1][1] if results else None,
    }


@router.get("/{id}/gpus")
def gpus(
    id: ExperimentId,  # noqa: A002
    trial: Annotated[list[int], Query(max_length=_TRIALS)] = [],  # noqa: B006  FastAPI copies it
) -> dict[int, JSON]:
    """The GPUs that each trial uses, used or waits for; all trials if none is named."""
    with Reader(finding.experiment(id).store) as reader:
        return {number: finite(use) for number, use in reader.gpus(trial).items()}


def _importances(request: Request) -> ImportanceCache:
    importances: ImportanceCache = request.app.state.importances
    return importances


def _document(computed: ComputedImportance) -> dict[str, JSON]:
    document = {
        "results": computed.results,
        "counts": computed.counts,
        "reason": computed.reason,
        "parameters": [_side(computed, number) for number in _by_share(computed)],
    }
    return document if computed.importance is None else document | _shares(computed.importance)


def _by_share(computed: ComputedImportance) -> list[int]:
    """The parameters' numbers, most important first."""
    if computed.importance is None:
        return list(range(len(computed.cells)))
    return [effect.sides[0] for effect in computed.importance.mains]


def _side(computed: ComputedImportance, number: int) -> dict[str, JSON]:
    """One parameter. `route` is the path to it in a trial's values: [key, option] for each nested
    choice on the way, and [key, None] for the parameter itself.
    """
    side, importance = computed.cells[number], computed.importance
    name, route = _place(computed, number)
    return {
        "number": number,
        "key": side.coordinate.path,
        "name": name,
        "route": finite(route),
        "options": finite(list(side.options)),
        "edges": [_short(edge) for edge in side.edges],
        "log": side.logarithmic,
        "along": None if importance is None else _marginal(importance.marginal(number)),
    }


def _place(computed: ComputedImportance, number: int) -> tuple[str, list[JSON]]:
    c = computed.cells[number].coordinate
    if c.parent is None:
        return computed.space.names[c.key], [[c.key, None]]
    option = computed.cells[c.parent].options[c.option or 0]
    name, route = _place(computed, c.parent)
    route[-1][1] = option
    child = Parameter(c.key, c.domain)
    return describe.branch_name(name, option, child), [*route, [c.key, None]]


def _shares(importance: Importance) -> dict[str, JSON]:
    return {
        "used": importance.used,
        "outside": importance.outside,
        "far": importance.far,
        "fit": _short(importance.fit),
        "alone": [_effect(effect) for effect in importance.mains],
        "pairs": [_effect(effect) for effect in importance.pairs[:_PAIRS]],
        "together": _short(sum(effect.share for effect in importance.pairs)),
    }


def _effect(effect: Effect) -> dict[str, JSON]:
    return {
        "sides": effect.sides,
        "share": _short(effect.share),
        "spread": _short(effect.spread),
    }


def _marginal(marginal: Marginal) -> dict[str, JSON]:
    return {"mean": _table(marginal.mean.tolist()), "spread": _table(marginal.spread.tolist())}


def _table(values: JSON) -> JSON:
    return [_table(v) for v in values] if isinstance(values, list) else _short(values)


def _steps(results: list[tuple[int, float, float]], *, maximize: bool) -> list[list[JSON]]:
    steps: list[list[JSON]] = []
    for number, seconds, metric in results:
        if not steps or (metric > steps[-1][2] if maximize else metric < steps[-1][2]):
            steps.append([number, round(seconds, 3), metric])
    return steps


def _short(value: float) -> float:
    """Six digits are enough for a drawing and save two thirds of the bytes."""
    return float(f"{value:.6g}")
