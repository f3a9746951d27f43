"""What a tuner is: it is asked for values and told what became of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from annotate.errors import AnnotateError
from annotate.space import SearchSpace, Values


class Exhausted(Exception):
    """The tuner has no more values to give: each point of a finite space has been asked."""


class TunerError(AnnotateError, ValueError):
    """A tuner's name, one of its arguments, or a parameter that it cannot take."""


class Tuner(ABC):
    """Proposes values.

    Several values may be asked and untold at a time. Its state depends only on the seed and on
    the order of `ask` and `tell`: the same calls give the same values. It belongs to one caller:
    calls never overlap.
    """

    def __init__(self, space: SearchSpace, *, seed: int, maximize: bool = False) -> None:
        self.space = space
        self.seed = seed
        self.maximize = maximize

    @abstractmethod
    def ask(self) -> Values:
        """The next values to try, one for each parameter; raises Exhausted when none are left."""

    @abstractmethod
    def tell(self, values: Values, metric: float | None) -> None:
        """Take the result of `values`, asked before or not; None where the trial failed.

        `metric` is in the script's own unit and finite.
        """


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A tuner that can be chosen by name."""

    name: str
    nni_names: tuple[str, ...]
    summary: str
    load: Callable[[], type[Tuner]]
