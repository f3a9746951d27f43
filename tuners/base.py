"""What a tuner and an assessor are: asked for values, told results, asked to judge curves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum

from annotate.errors import AnnotateError
from annotate.space import SearchSpace, Values


class Exhausted(Exception):
    """The tuner has no values to give: none before a pending trial is told, or none at all.

    Which of the two is seen by asking again once nothing is pending.
    """


class TunerError(AnnotateError, ValueError):
    """An algorithm's name, one of its arguments, or a parameter that it cannot take."""


class Tuner(ABC):
    """Proposes values.

    Several values may be asked and untold at a time. Its state depends only on the seed and on
    the order of `ask` and `tell`: the same calls give the same values. It belongs to one caller:
    calls never overlap, and the values that it gives are not to be changed.

    An algorithm that stops trials too (NNI's advisor) brings its own `assessor`, whose calls may
    come while the tuner is asked or told.
    """

    assessor: Assessor | None = None

    def __init__(self, space: SearchSpace, *, seed: int, maximize: bool = False) -> None:
        self.space = space
        self.seed = seed
        self.maximize = maximize

    @abstractmethod
    def ask(self) -> Values:
        """The next values to try, one for each parameter.

        Raises Exhausted when there are none, which changes nothing. An algorithm may add keys
        that are no parameters, by which it knows the trial again: NNI's `TRIAL_BUDGET`,
        `load_checkpoint_dir` and `save_checkpoint_dir`.
        """

    def recall(self, values: Values) -> None:
        """Be as `ask` left it when it gave `values`, which an earlier run of the experiment asked.

        It is asked again as a rule; one whose answers depend on results and on what is known
        alone need only take note. Raises SpaceError for values that do not lie in the space.
        """
        with suppress(Exhausted):
            self.ask()

    @abstractmethod
    def tell(self, values: Values, metric: float | None) -> None:
        """Take the result of `values`, asked before or not; None where the trial failed.

        `metric` is in the script's own unit; one that is not finite counts as a failure. Raises
        SpaceError for values that do not lie in the space.
        """

    def close(self) -> None:  # noqa: B027  most hold nothing
        """Give up whatever the tuner holds, such as a process; it is not called again after this.

        The only method that may be called from another thread, and while `ask`, `recall` or
        `tell` has not returned: that call must then raise soon, or return. Calling it twice is
        harmless. The experiment calls it when it ends, and when it replaces the tuner.
        """


class Verdict(Enum):
    """What becomes of a running trial."""

    KEEP = "keep"
    STOP = "stop"


class Assessor(ABC):
    """Judges a running trial by its curve: the intermediate results so far, oldest first.

    `trial` is the trial's number. Its state depends only on the order of the calls, which never
    overlap.
    """

    def __init__(self, *, maximize: bool = False) -> None:
        self.maximize = maximize

    def started(self, trial: int, values: Values) -> None:  # noqa: B027  most need not know
        """Learn with what values `trial` runs; called once, before it is judged or finished."""

    @abstractmethod
    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        """Whether `trial` goes on; called after each intermediate result."""

    @abstractmethod
    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        """Learn of a trial that ended; `ok` where it ran to its own end and succeeded.

        `curve` is all its intermediate results. A trial that was stopped early or failed comes
        with `ok` False.
        """
