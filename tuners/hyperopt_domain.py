"""Converts a search space and results to hyperopt's, and its suggestions back."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import Any

from hyperopt import hp
from hyperopt.base import JOB_STATE_DONE, JOB_STATE_RUNNING, Domain, Trials

from annotate.domains import Choice
from annotate.domains.geometry import LINEAR, LOG, Scale
from annotate.space import Values
from tuners.fresh import Result
from tuners.geometry.axes import Axis, axis
from tuners.geometry.coordinates import Coordinate, Coordinates, Levels

#: hyperopt gives each value of a randint a bin of its own; a wider one is a quantised uniform.
_MOST_BINS = 128
#: By whether the axis is bounded, logarithmic and stepped.
_SPACES = {
    (True, False, False): hp.uniform,
    (True, False, True): hp.quniform,
    (True, True, False): hp.loguniform,
    (True, True, True): hp.qloguniform,
    (False, False, False): hp.normal,
    (False, False, True): hp.qnormal,
    (False, True, False): hp.lognormal,
    (False, True, True): hp.qlognormal,
}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence hyperopt, which prints, and warns with newer numpy."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def domain(coordinates: Coordinates) -> Domain:
    """The space, each coordinate labelled with its number."""
    with quiet():
        return Domain(lambda _: None, _tree(coordinates, coordinates.children()))


def _tree(coordinates: Coordinates, here: list[Coordinate]) -> list[Any]:
    return [_node(coordinates, c) for c in here]


def _node(coordinates: Coordinates, c: Coordinate) -> Any:
    label = str(c.number)
    if not isinstance(c.domain, Choice):
        return _number(label, axis(c.domain))
    options = range(len(c.domain.options))
    return hp.choice(
        label, [_tree(coordinates, coordinates.children(c.number, n)) for n in options]
    )


def _number(label: str, a: Axis) -> Any:
    law = (a.low, a.high) if a.bounded else (a.mean, a.width)
    if not _is_known(a.scale):
        return (hp.uniform if a.bounded else hp.normal)(label, *law)
    if a.step == 1 and (a.low, a.high) == (a.least - 0.5, a.most + 0.5) and a.width <= _MOST_BINS:
        return hp.randint(label, int(a.least), int(a.most) + 1)
    space = _SPACES[a.bounded, a.logarithmic, a.step > 0]
    return space(label, *law, a.step) if a.step else space(label, *law)


def _is_known(scale: Scale) -> bool:
    """Whether hyperopt has the scale. It searches positions on any other one."""
    return scale in (LINEAR, LOG)


def history(
    domain: Domain, coordinates: Coordinates, results: list[Result], pending: list[Values]
) -> Trials:
    """hyperopt's trials, oldest first, pending ones last, numbered without gaps."""
    trials = Trials()
    finished = [
        _document(domain, n, coordinates, result.values, _result(result))
        for n, result in enumerate(results)
    ]
    running = [
        _document(domain, len(finished) + n, coordinates, values, {"status": "new"})
        for n, values in enumerate(pending)
    ]
    trials.insert_trial_docs(finished + running)
    trials.refresh()
    return trials


def _result(result: Result) -> dict[str, Any]:
    if result.loss is None:
        return {"status": "fail"}
    return {"status": "ok", "loss": result.loss}


def _document(
    domain: Domain, tid: int, coordinates: Coordinates, values: Values, result: dict[str, Any]
) -> dict[str, Any]:
    drawn = {
        str(number): _to_hyperopt(coordinates[number], level)
        for number, level in coordinates.levels(values).items()
    }
    return {
        "tid": tid,
        "state": JOB_STATE_RUNNING if result["status"] == "new" else JOB_STATE_DONE,
        "result": result,
        "spec": None,
        "misc": {
            "tid": tid,
            "cmd": domain.cmd,
            "workdir": domain.workdir,
            "idxs": {label: [tid] if label in drawn else [] for label in domain.params},
            "vals": {label: [drawn[label]] if label in drawn else [] for label in domain.params},
        },
        "exp_key": None,
        "owner": None,
        "version": 0,
        "book_time": None,
        "refresh_time": None,
    }


def levels(coordinates: Coordinates, documents: list[dict[str, Any]]) -> Levels:
    """The levels in the single document that hyperopt suggested."""
    (document,) = documents
    drawn = document["misc"]["vals"].items()
    return {
        int(label): _from_hyperopt(coordinates[int(label)], float(values[0]))
        for label, values in drawn
        if len(values)
    }


def _to_hyperopt(c: Coordinate, level: float) -> float:
    a = axis(c.domain)
    return level if _is_known(a.scale) else float(a.positions(level))


def _from_hyperopt(c: Coordinate, drawn: float) -> float:
    a = axis(c.domain)
    return drawn if _is_known(a.scale) else float(a.levels(drawn))
