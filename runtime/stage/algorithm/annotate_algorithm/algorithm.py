"""Wraps the user's algorithm: the methods of our contract, with JSON in and out."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import Any

from annotate_algorithm.plain import NotPlain, plain

from annotate.errors import AnnotateError
from tuners.base import Exhausted, Verdict

#: From a method of our contract to the user's methods that may implement it, in ours or NNI's.
_METHODS = {
    "ask": ("ask", "generate_parameters", "handle_request_trial_jobs"),
    "recall": ("recall", "ask", "generate_parameters", "handle_request_trial_jobs"),
    "tell": ("tell", "receive_trial_result", "handle_report_metric_data"),
    "started": ("started",),
    "judge": ("judge", "assess_trial", "handle_report_metric_data"),
    "finished": ("finished", "trial_end"),
}


class Algorithm:
    """A tuner, an assessor, or a tuner with its own assessor; `own` is the user's class.

    The methods of a part that is missing are never called.
    """

    def __init__(self, own: type[Any], file: str, tuner: Any = None, assessor: Any = None) -> None:
        self._own, self._file = own, file
        self._tuner = tuner
        self._assessor = assessor

    def describe(self) -> dict[str, Any]:
        """Whether it judges trials, and the name and line of each method in the user's file."""
        return {"judges": self._assessor is not None, "methods": _methods(self._own, self._file)}

    def ask(self) -> Any:
        try:
            return plain(self._tuner.ask())
        except NotPlain as error:
            raise AnnotateError(f"{self._file}: the tuner returned {error}") from None

    def recall(self, values: dict[str, Any]) -> None:
        if hasattr(self._tuner, "recall"):
            self._tuner.recall(values)
        else:
            with suppress(Exhausted):
                self._tuner.ask()

    def tell(self, values: dict[str, Any], metric: float | None) -> None:
        self._tuner.tell(values, metric)

    def started(self, trial: int, values: dict[str, Any]) -> None:
        if hasattr(self._assessor, "started"):
            self._assessor.started(trial, values)

    def judge(self, trial: int, curve: list[float]) -> bool:
        """Whether the trial continues."""
        verdict = self._assessor.judge(trial, curve)
        if not isinstance(verdict, Verdict):
            raise AnnotateError(f"{self._file}: judge returned {verdict!r}, not a Verdict")
        return verdict is Verdict.KEEP

    def finished(self, trial: int, curve: list[float], ok: bool) -> None:
        self._assessor.finished(trial, curve, ok)


def _methods(own: type[Any], file: str) -> dict[str, list[Any]]:
    places = {}
    for method, names in _METHODS.items():
        for name in names:
            with suppress(AttributeError, OSError, TypeError):
                function = inspect.unwrap(getattr(own, name))
                if inspect.getsourcefile(function) == file:
                    places[method] = [name, function.__code__.co_firstlineno]
                    break
    return places
