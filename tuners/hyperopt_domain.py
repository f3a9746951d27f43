"""Our space and results as hyperopt knows them."""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Iterator
from typing import Any

from hyperopt import hp
from hyperopt.base import JOB_STATE_DONE, JOB_STATE_RUNNING, Domain, Trials

from annotate.domains.numeric import RandInt
from annotate.space import Choice, Values
from tuners.fresh import Result
from tuners.geometry.coordinates import Coordinate, Coordinates, Levels

#: hyperopt gives each value of a randint a bin of its own; a wider one is a quantised uniform.
_WIDEST_RANDINT = 128


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """hyperopt prints from inside and warns with newer numpy; neither is the user's business."""
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
    label, d = str(c.number), c.domain
    if isinstance(d, Choice):
        options = range(len(d.options))
        return hp.choice(
            label, [_tree(coordinates, coordinates.children(c.number, n)) for n in options]
        )
    arguments = list(d.arguments)
    if d.type in ("loguniform", "qloguniform"):
        arguments[:2] = [math.log(bound) for bound in arguments[:2]]
    if isinstance(d, RandInt) and d.high - d.low > _WIDEST_RANDINT:
        return hp.quniform(label, d.low - 0.5, d.high - 0.5, 1)
    return getattr(hp, d.type)(label, *arguments)


def history(
    domain: Domain, coordinates: Coordinates, results: list[Result], pending: list[Values]
) -> Trials:
    """hyperopt's trials, oldest first, the pending ones last; ids are ours and have no gaps."""
    trials = Trials()
    told = [
        _document(domain, n, coordinates.levels(r.values), _result(r))
        for n, r in enumerate(results)
    ]
    running = [
        _document(domain, len(told) + n, coordinates.levels(values), {"status": "new"})
        for n, values in enumerate(pending)
    ]
    trials.insert_trial_docs(told + running)
    trials.refresh()
    return trials


def _result(result: Result) -> dict[str, Any]:
    if result.loss is None:
        return {"status": "fail"}
    return {"status": "ok", "loss": result.loss}


def _document(domain: Domain, tid: int, levels: Levels, result: dict[str, Any]) -> dict[str, Any]:
    labels = [(label, int(label) in levels) for label in domain.params]
    return {
        "tid": tid,
        "state": JOB_STATE_RUNNING if result["status"] == "new" else JOB_STATE_DONE,
        "result": result,
        "spec": None,
        "misc": {
            "tid": tid,
            "cmd": domain.cmd,
            "workdir": domain.workdir,
            "idxs": {label: [tid] if active else [] for label, active in labels},
            "vals": {label: [levels[int(label)]] if active else [] for label, active in labels},
        },
        "exp_key": None,
        "owner": None,
        "version": 0,
        "book_time": None,
        "refresh_time": None,
    }


def levels(documents: list[dict[str, Any]]) -> Levels:
    """The one document that hyperopt suggested, as levels."""
    (document,) = documents
    found = document["misc"]["vals"].items()
    return {int(label): float(drawn[0]) for label, drawn in found if len(drawn)}
