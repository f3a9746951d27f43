"""Loads the user's class from its file, and wraps it in our contract."""

from __future__ import annotations

import contextlib
import difflib
import inspect
import random
from typing import Any

from annotate_algorithm import module_file
from annotate_algorithm.algorithm import Algorithm
from annotate_algorithm.nni_advisor import NniAdvisor
from annotate_algorithm.nni_assessor import NniAssessor
from annotate_algorithm.nni_tuner import NniTuner
from nni.assessor import Assessor as NnisAssessor
from nni.msg_dispatcher_base import MsgDispatcherBase
from nni.tuner import Tuner as NnisTuner

from annotate.errors import AnnotateError
from annotate.space import SearchSpace
from tuners.base import Assessor, Tuner


def load(
    kind: str,
    *,
    file: str,
    name: str,
    args: dict[str, Any],
    seed: int,
    maximize: bool,
    space: dict[str, Any] | None = None,
) -> Algorithm:
    """Load the class `name` of `file` and create it with `args`.

    `kind` is `tuner` (with a `space`) or `assessor`. Raises AnnotateError if there is no such class
    or it is of another kind, and whatever the user's code raises.
    """
    _seed(seed)
    own = _class(file, name)
    if kind == "assessor":
        return Algorithm(own, file, assessor=_assessor(own, file, args, maximize))
    tuner = _tuner(own, file, args, SearchSpace.from_stored(space or {}), seed, maximize)
    return Algorithm(own, file, tuner, getattr(tuner, "assessor", None))


def _tuner(
    own: type[Any], file: str, args: dict[str, Any], space: SearchSpace, seed: int, maximize: bool
) -> Any:
    context: dict[str, Any] = {"seed": seed, "maximize": maximize}
    if _is(own, Tuner, "ask", "tell"):
        _refuse(own, file, args, "space", "maximize")
        return own(space, **{**context, **args})
    args = _with_mode(own, args, maximize)
    if _is(own, MsgDispatcherBase, "handle_request_trial_jobs", "handle_report_metric_data"):
        return NniAdvisor(own(**args), space, **context)
    if _is(own, NnisTuner, "generate_parameters", "receive_trial_result"):
        return NniTuner(own(**args), space, **context)
    raise AnnotateError(
        f"{_place(own, file)}: {own.__name__} is not a tuner",
        hint="derive it from tuners.Tuner or nni.tuner.Tuner",
    )


def _assessor(own: type[Any], file: str, args: dict[str, Any], maximize: bool) -> Any:
    if _is(own, Assessor, "judge", "finished"):
        _refuse(own, file, args, "maximize")
        return own(maximize=maximize, **args)
    if _is(own, NnisAssessor, "assess_trial"):
        return NniAssessor(own(**_with_mode(own, args, maximize)), maximize=maximize)
    raise AnnotateError(
        f"{_place(own, file)}: {own.__name__} is not an assessor",
        hint="derive it from tuners.Assessor or nni.assessor.Assessor",
    )


def _refuse(own: type[Any], file: str, args: dict[str, Any], *names: str) -> None:
    """Refuse arguments that the experiment itself passes."""
    for name in names:
        if name in args:
            raise AnnotateError(
                f"{_place(own, file)}: {own.__name__} gets {name!r} from the experiment",
                hint=f"leave {name} out of its arguments",
            )


def _seed(seed: int) -> None:
    """Seed the global generators: NNI's tuners draw from them and get no seed."""
    random.seed(seed)
    with contextlib.suppress(ImportError):
        import numpy

        numpy.random.seed(seed % 2**32)


def _class(file: str, name: str) -> type[Any]:
    module = module_file.load(file)
    own = getattr(module, name, None)
    if inspect.isclass(own):
        return own
    classes = [n for n, v in vars(module).items() if inspect.isclass(v)]
    close = difflib.get_close_matches(name, classes, n=1)
    hint = f"did you mean {close[0]}?" if close else f"its classes are {', '.join(classes)}"
    raise AnnotateError(f"{file} has no class {name!r}", hint=hint if classes else "")


def _is(own: type[Any], base: type[Any], *methods: str) -> bool:
    return issubclass(own, base) or all(hasattr(own, method) for method in methods)


def _with_mode(own: type[Any], args: dict[str, Any], maximize: bool) -> dict[str, Any]:
    """`args` plus the experiment's direction, if the class takes it and `args` has none."""
    if "optimize_mode" in args or "optimize_mode" not in inspect.signature(own).parameters:
        return args
    return {**args, "optimize_mode": "maximize" if maximize else "minimize"}


def _place(own: type[Any], file: str) -> str:
    try:
        return f"{file}:{inspect.getsourcelines(own)[1]}"
    except (OSError, TypeError):
        return file
