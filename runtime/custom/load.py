"""From `path/to/file.py:Class` to a tuner or an assessor."""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from annotate.json_value import JSON
from annotate.space import SearchSpace
from runtime.custom import facade
from runtime.custom.advisor import NniAdvisor
from runtime.custom.blame import CustomError, blaming
from runtime.custom.guard import GuardedAssessor, GuardedTuner
from runtime.custom.nni_assessor import NniAssessor
from runtime.custom.nni_tuner import NniTuner
from runtime.custom.sdk.assessor import Assessor as SdkAssessor
from runtime.custom.sdk.msg_dispatcher_base import MsgDispatcherBase
from runtime.custom.sdk.tuner import Tuner as SdkTuner
from tuners.base import Assessor, Tuner


def reference(code_dir: str | Path, class_file_name: str, class_name: str) -> str:
    """What `Config.tuner` and `Config.assessor` hold for the class of a config file's
    `codeDir`, `classFileName` and `className`; the command line's `--tuner` takes the same."""
    return f"{Path(code_dir, class_file_name).expanduser().absolute()}:{class_name}"


def is_custom(name: str) -> bool:
    """Whether `name` is such a reference, not an algorithm's name."""
    return ".py:" in name


def load_tuner(
    name: str, args: Mapping[str, JSON], space: SearchSpace, *, seed: int, maximize: bool
) -> Tuner:
    """The tuner or advisor `name`, a reference; `args` are its `classArgs`.

    A config file's `codeDir`, `classFileName` and `className` come as `reference(...)`. Raises
    CustomError that names file and line for what is wrong in it, or with it.
    """
    file, found = _class(name, seed)
    if _is(found, Tuner, "ask", "tell"):
        context = {"seed": seed, "maximize": maximize}
        with blaming(file):
            return GuardedTuner(found(space, **context, **args), file, space, seed, maximize)
    given = _with_mode(found, args, maximize)
    with blaming(file):
        if _is(found, MsgDispatcherBase, "handle_request_trial_jobs", "handle_report_metric_data"):
            inner: Tuner = NniAdvisor(found(**given), space, seed=seed, maximize=maximize)
        elif _is(found, SdkTuner, "generate_parameters", "receive_trial_result"):
            inner = NniTuner(found(**given), space, seed=seed, maximize=maximize)
        else:
            raise CustomError(
                f"{_place(found, file)}: {found.__name__} is no tuner",
                hint="derive it from tuners.Tuner or nni.tuner.Tuner",
            )
    return GuardedTuner(inner, file, space, seed, maximize)


def load_assessor(name: str, args: Mapping[str, JSON], *, maximize: bool) -> Assessor:
    """The assessor `name`, a reference; otherwise as `load_tuner`."""
    file, found = _class(name, 0)
    if _is(found, Assessor, "judge", "finished"):
        with blaming(file):
            return GuardedAssessor(found(maximize=maximize, **args), file)
    if not _is(found, SdkAssessor, "assess_trial"):
        raise CustomError(
            f"{_place(found, file)}: {found.__name__} is no assessor",
            hint="derive it from tuners.Assessor or nni.assessor.Assessor",
        )
    given = _with_mode(found, args, maximize)
    with blaming(file):
        return GuardedAssessor(NniAssessor(found(**given), maximize=maximize), file)


def _class(name: str, seed: int) -> tuple[Path, type[Any]]:
    path, _, class_name = name.rpartition(":")
    file = Path(path).expanduser().absolute()
    if not file.is_file():
        raise CustomError(f"{file} does not exist", hint="write path/to/file.py:Class")
    facade.install()
    _seed(seed)
    module = _module(file)
    found = getattr(module, class_name, None)
    if not inspect.isclass(found):
        own = [n for n, v in vars(module).items() if inspect.isclass(v)]
        close = difflib.get_close_matches(class_name, own, n=1)
        hint = f"did you mean {close[0]}?" if close else f"its classes are {', '.join(own)}"
        raise CustomError(f"{file} has no class {class_name!r}", hint=hint if own else "")
    return file, found


def _seed(seed: int) -> None:
    """NNI's tuners are given no seed: the global generators that they draw from are seeded."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed % 2**32)


def _module(file: Path) -> ModuleType:
    """The file as a module, found by its place so that no other one of its name is meant.

    Its folder comes last on the path: what stands there never hides a module of anybody else.
    """
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    spec = importlib.util.spec_from_file_location(f"custom_{file.stem}", file)
    assert spec is not None, "a file that ends in .py has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # dataclasses and pickle look it up there
    with blaming(file):
        spec.loader.exec_module(module)
    return module


def _is(found: type[Any], base: type[Any], *methods: str) -> bool:
    return issubclass(found, base) or all(hasattr(found, method) for method in methods)


def _with_mode(found: type[Any], args: Mapping[str, JSON], maximize: bool) -> dict[str, JSON]:
    """`args`, and the experiment's direction where the class takes it and none is given."""
    if "optimize_mode" in args or "optimize_mode" not in inspect.signature(found).parameters:
        return dict(args)
    return {**args, "optimize_mode": "maximize" if maximize else "minimize"}


def _place(found: type[Any], file: Path) -> str:
    try:
        return f"{file}:{inspect.getsourcelines(found)[1]}"
    except (OSError, TypeError):
        return str(file)
