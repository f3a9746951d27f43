"""The contracts of tuners, which propose values, and of assessors, which stop trials early."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any

from annotate.errors import AnnotateError
from annotate.space import SearchSpace, Values


class Exhausted(Exception):
    """The tuner has no values to give, either until a pending trial is told or ever again.

    To tell which, ask again once nothing is pending.
    """


class TunerError(AnnotateError, ValueError):
    """An unknown algorithm, an invalid argument, or a parameter that the algorithm cannot take."""


class Tuner(ABC):
    """Proposes values.

    Several trials may be pending, that is asked and not yet told. A tuner's state depends only on
    the seed and on the order of `ask` and `tell`: the same calls give the same values. Calls never
    overlap, and the caller does not modify the values that it gets.

    An algorithm that also stops trials (NNI's advisor) provides its own `assessor`. The assessor
    may be called while the tuner is being asked or told.
    """

    assessor: Assessor | None = None

    def __init__(self, space: SearchSpace, *, seed: int, maximize: bool = False) -> None:
        self.space = space
        self.seed = seed
        self.maximize = maximize

    @classmethod
    def own_arguments(cls, args: Mapping[str, Any]) -> dict[str, Any]:
        """The constructor's arguments for `args`, which may have the form of an NNI version.

        Raises TunerError.
        """
        return dict(args)

    @abstractmethod
    def ask(self) -> Values:
        """Return the next values to try, one for each parameter.

        Raises Exhausted, and keeps its state, if there are none. An algorithm may add keys that
        are not parameters, by which it recognises the trial: NNI's `TRIAL_BUDGET`,
        `load_checkpoint_dir` and `save_checkpoint_dir`.
        """

    def recall(self, values: Values) -> None:
        """Restore the state after an `ask`, in an earlier run of the experiment, gave `values`.

        By default, this asks again. A tuner whose proposals depend only on results and known
        points just records the values. Raises SpaceError for values outside the space.
        """
        with suppress(Exhausted):
            self.ask()

    @abstractmethod
    def tell(self, values: Values, metric: float | None) -> None:
        """Learn the result of `values`, whether or not they were asked; None if the trial failed.

        `metric` is in the script's own unit; a metric that is not finite counts as a failure.
        Raises SpaceError for values outside the space.
        """

    def close(self) -> None:  # noqa: B027  most hold nothing
        """Give up whatever the tuner holds, such as a process; it is not called again after this.

        The only method that may be called from another thread, and while `ask`, `recall` or
        `tell` has not returned: that call must then raise soon, or return. Calling it twice is
        harmless. The experiment calls it when it ends, and when it replaces the tuner.
        """


class Verdict(Enum):
    """Whether a running trial continues."""

    KEEP = "keep"
    STOP = "stop"


class Assessor(ABC):
    """Judges a running trial by its curve: its intermediate results so far, oldest first.

    `trial` is the trial's number. An assessor's state depends only on the order of its calls,
    which never overlap.
    """

    may_read_budget = False  # whether the script's code names `TRIAL_BUDGET`; the caller sets it

    def __init__(self, *, maximize: bool = False) -> None:
        self.maximize = maximize

    def read_budget(self, trial: int) -> None:  # noqa: B027  most assessors know no budget
        """Learn that the script of `trial` has read its budget, so it ends by itself."""

    def started(self, trial: int, values: Values) -> None:  # noqa: B027  most assessors need nothing
        """Learn the values of `trial`; called once, before it is judged or finished."""

    @abstractmethod
    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        """Decide whether `trial` continues; called after each intermediate result."""

    @abstractmethod
    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        """Learn that a trial has ended; `ok` if it ran to its own end and succeeded.

        `curve` holds all its intermediate results. `ok` is False for a trial that failed or was
        stopped early.
        """

    def close(self) -> None:  # noqa: B027  most hold nothing
        """Give up whatever the assessor holds; like `Tuner.close`, also during another call."""
