"""Creates the tuner and the assessor that a config names, built in or custom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tuners
from annotate.errors import AnnotateError
from annotate.space import SearchSpace
from runtime import custom
from runtime.core.config import Config
from runtime.custom import CustomAssessor, CustomTuner
from tuners.base import Assessor, Tuner


@dataclass(frozen=True, slots=True)
class Algorithms:
    """The tuner and the assessor of an experiment."""

    tuner: Tuner
    assessor: Assessor | None

    def close(self) -> None:
        if self.assessor is not None:
            self.assessor.close()
        self.tuner.close()


def load(config: Config, space: SearchSpace, began: float | None = None) -> Algorithms:
    """Create both. Raises AnnotateError if either cannot be created.

    With `began`, in monotonic seconds, loading custom ones ends `config.max_duration` after it.
    """
    tuner = tuner_of(config, space, began)
    try:
        return Algorithms(tuner, _assessor_of(config, tuner, began))
    except BaseException:
        tuner.close()
        raise


def has_custom(config: Config) -> bool:
    """Whether the tuner or the assessor is a class of the user's."""
    return custom.is_custom(config.tuner) or custom.is_custom(config.assessor)


def tuner_of(
    config: Config,
    space: SearchSpace,
    began: float | None = None,
    note: Callable[[str], None] | None = None,
) -> Tuner:
    """The tuner. Raises AnnotateError if it is unknown or does not support the space.

    With `note`, a custom one is followed (see `follow`) while it is loaded, too.
    """
    if custom.is_custom(config.tuner):
        return CustomTuner(config, space, began=began, note=note)
    context = {"seed": config.seed, "maximize": config.maximize}
    return tuners.create(config.tuner, space, **context, args=config.tuner_args)  # type: ignore[arg-type]


def _assessor_of(config: Config, tuner: Tuner, began: float | None) -> Assessor | None:
    """The assessor that the config names, or the one that the tuner brings."""
    if not config.assessor:
        return tuner.assessor
    if tuner.assessor is not None:
        raise AnnotateError(
            f"{config.tuner} already stops trials early, so it takes no assessor",
            hint=f"leave out --assessor {config.assessor}",
        )
    if custom.is_custom(config.assessor):
        return CustomAssessor.load(config, began=began)
    args = config.assessor_args
    return tuners.create_assessor(config.assessor, maximize=config.maximize, args=args)


def follow(algorithm: Tuner | Assessor | None, note: Callable[[str], None]) -> None:
    """Let a custom algorithm report slow calls to `note` and print to the log."""
    if isinstance(algorithm, (CustomTuner, CustomAssessor)):
        algorithm.follow(note)


def tuner_name(name: str) -> str:
    """The short name of a tuner, or the reference to a custom one with its absolute path."""
    from tuners.registry import TUNERS, find

    return _reference(name) or find(name, TUNERS, "tuner").name


def assessor_name(name: str) -> str:
    """The same for an assessor; an empty name stays empty."""
    from tuners.registry import ASSESSORS, find

    return name and (_reference(name) or find(name, ASSESSORS, "assessor").name)


def _reference(text: str) -> str:
    if not custom.is_custom(text):
        return ""
    path, _, name = text.rpartition(":")
    return custom.reference("", path, name)
