"""What the pages ask that looks at all results together: importance, progress, use of GPUs."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request

from annotate.json_value import JSON
from annotate.space import Parameter
from runtime.core.config import Config
from runtime.core.metrics import finite
from runtime.server import finding
from runtime.server.finding import ExperimentId, NotFound
from runtime.server.lessons import Lesson, Lessons
from runtime.store import Store
from runtime.store.reader import Reader
from tuners.importance.anova import Effect, Importance, Marginal

_PAIRS = 12  # those that matter most are listed
_ASKED = 200  # trials that can be named at a time

Number = Annotated[int, Query(ge=0, le=10**6)]

router = APIRouter(prefix="/api/v1/experiments", include_in_schema=False)


@router.get("/{id}/importance")
async def importance(id: ExperimentId, request: Request) -> dict[str, JSON]:  # noqa: A002
    """The parameters by their shares of the results' variance, and the results along each."""
    lesson = await _lessons(request).of(finding.experiment(id))
    return await asyncio.to_thread(_document, lesson)


@router.get("/{id}/importance/pair")
async def pair(
    id: ExperimentId,  # noqa: A002
    request: Request,
    first: Number,
    second: Number,
) -> dict[str, JSON]:
    """The mean result over the cells of two parameters, a row for each of the first one's."""
    lesson = await _lessons(request).of(finding.experiment(id))
    found = lesson.importance
    if found is None or first == second or max(first, second) >= len(found.cells):
        raise NotFound(f"there is nothing to say of the parameters {first} and {second}")
    return _marginal(await asyncio.to_thread(found.marginal, first, second))


@router.get("/{id}/progress")
def progress(id: ExperimentId) -> dict[str, JSON]:  # noqa: A002
    """How the best result came about, as [trial, seconds since the beginning, result]: each one
    that was better than those before, by number and by the time at which the trials ended."""
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
    trial: Annotated[list[int], Query(max_length=_ASKED)] = [],  # noqa: B006  FastAPI copies it
) -> dict[int, JSON]:
    """What each trial has or had of GPUs, or waits for; of all trials where none is named."""
    with Reader(finding.experiment(id).store) as reader:
        return {number: finite(use) for number, use in reader.gpus(trial).items()}


def _lessons(request: Request) -> Lessons:
    found: Lessons = request.app.state.lessons
    return found


def _document(lesson: Lesson) -> dict[str, JSON]:
    document = {
        "results": lesson.results,
        "counts": lesson.counts,
        "reason": lesson.reason,
        "parameters": [_side(lesson, number) for number in _by_share(lesson)],
    }
    return document if lesson.importance is None else document | _shares(lesson.importance)


def _by_share(lesson: Lesson) -> list[int]:
    """The parameters' numbers, those that matter most first."""
    if lesson.importance is None:
        return list(range(len(lesson.cells)))
    return [effect.sides[0] for effect in lesson.importance.mains]


def _side(lesson: Lesson, number: int) -> dict[str, JSON]:
    """`route` leads to the parameter in a trial's values: each key, and of a nested choice the
    option behind which the way goes on."""
    side, found = lesson.cells[number], lesson.importance
    name, route = _place(lesson, number)
    return {
        "number": number,
        "key": side.coordinate.path,
        "name": name,
        "route": finite(route),
        "options": finite(list(side.options)),
        "edges": [_short(edge) for edge in side.edges],
        "log": side.logarithmic,
        "along": None if found is None else _marginal(found.marginal(number)),
    }


def _place(lesson: Lesson, number: int) -> tuple[str, list[JSON]]:
    c = lesson.cells[number].coordinate
    if c.parent is None:
        return lesson.space.names[c.key], [[c.key, None]]
    option = lesson.cells[c.parent].options[c.option or 0]
    name, route = _place(lesson, c.parent)
    route[-1][1] = option
    return f"{name} = {option} › {Parameter(c.key, c.domain).name}", [*route, [c.key, None]]


def _shares(found: Importance) -> dict[str, JSON]:
    return {
        "used": found.used,
        "outside": found.outside,
        "far": found.far,
        "fit": _short(found.fit),
        "alone": [_effect(effect) for effect in found.mains],
        "pairs": [_effect(effect) for effect in found.pairs[:_PAIRS]],
        "together": _short(sum(effect.share for effect in found.pairs)),
    }


def _effect(effect: Effect) -> dict[str, JSON]:
    return {
        "sides": effect.sides,
        "share": _short(effect.share),
        "spread": _short(effect.spread),
    }


def _marginal(found: Marginal) -> dict[str, JSON]:
    return {"mean": _table(found.mean.tolist()), "spread": _table(found.spread.tolist())}


def _table(values: JSON) -> JSON:
    return [_table(v) for v in values] if isinstance(values, list) else _short(values)


def _steps(results: list[tuple[int, float, float]], *, maximize: bool) -> list[list[JSON]]:
    steps: list[list[JSON]] = []
    for number, seconds, metric in results:
        if not steps or (metric > steps[-1][2] if maximize else metric < steps[-1][2]):
            steps.append([number, round(seconds, 3), metric])
    return steps


def _short(value: float) -> float:
    """Six digits are more than can be seen, and a third of what would be sent."""
    return float(f"{value:.6g}")
