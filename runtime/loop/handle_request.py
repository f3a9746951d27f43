"""Carries out a request in the driver."""

from __future__ import annotations

from typing import Protocol

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from annotate.space import SearchSpace, Values
from runtime.core.requests import Answer, Request
from runtime.core.trial import Trial
from runtime.system.units import duration

#: What a request that is answered later waits for.
PENDING = "accepted; it takes effect once the tuner is free"


class Controllable(Protocol):
    """What a running experiment can be asked to do."""

    def stop(self) -> None: ...
    def kill(self, number: int) -> None: ...
    def change_limits(self, **limits: float | str | None) -> None: ...
    def change_space(self, space: SearchSpace, request: Request) -> None: ...
    def enqueue(self, values: Values) -> Trial: ...
    def import_results(self, results: list[JSON]) -> str: ...


def handle_request(experiment: Controllable, request: Request) -> Answer | None:
    """Carry out the request, and answer in a sentence what was done or why not.

    None if the answer follows later, because the tuner may be busy.
    """
    try:
        text = _handle(experiment, request)
    except AnnotateError as error:
        return refusal(error)
    return None if text is None else Answer(True, text)


def refusal(error: AnnotateError) -> Answer:
    """The answer to a request that failed."""
    return Answer(False, f"{error.message} ({error.hint})" if error.hint else error.message)


def _handle(experiment: Controllable, request: Request) -> str | None:
    match request.kind, *request.arguments.values():
        case ["stop"]:
            experiment.stop()
            return "stopping its running trials"
        case ["kill", int(number)]:
            experiment.kill(number)
            return f"stopping trial {number}"
        case ["concurrency", int() | "auto" as count]:
            experiment.change_limits(concurrency=count)
            return f"concurrency is now {count}"
        case ["duration", float() | int() | None as seconds]:
            experiment.change_limits(max_duration=seconds)
            return _limit("time", None if seconds is None else duration(seconds))
        case ["trials", int() | None as count]:
            experiment.change_limits(max_trials=count)
            return _limit("trial", count)
        case ["space", dict() as space]:
            experiment.change_space(SearchSpace.from_stored(space), request)
            return None
        case ["enqueue", dict() as values]:
            trial = experiment.enqueue(values)
            return f"trial {trial.number} will run with these values"
        case ["import", list() as results]:
            return experiment.import_results(results)
    raise AnnotateError(f"{request.kind} does not take {request.arguments}")


def _limit(name: str, value: object) -> str:
    return f"the {name} limit is " + ("removed" if value is None else f"now {value}")
