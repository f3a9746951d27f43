"""Grid search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from annotate.domains import Choice
from annotate.parameter import Parameter
from annotate.space import SearchSpace, Values
from tuners.base import TunerError
from tuners.fresh import FreshTuner
from tuners.geometry.coordinates import taken_by


class GridSearch(FreshTuner):
    """Tries every point of a finite space in order; the last parameter changes fastest.

    NNI's page Tuner/GridsearchTuner. Unlike NNI's, it takes every finite domain.
    """

    def __init__(self, space: SearchSpace, *, seed: int, maximize: bool = False) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        for path, parameter in _innermost(space.parameters):
            if parameter.domain.size is None:
                hint = "give it a step or a choice, or use auto, which takes every range"
                raise TunerError(
                    f"grid needs a finite number of values, but {path} is {parameter.domain}",
                    hint=taken_by(parameter.domain, hint),
                )
        self._points = space.walk()

    def propose(self, rng: np.random.Generator) -> Values:
        return next(values for values in self._points if not self.knows(values))


def _innermost(parameters: Iterable[Parameter], above: str = "") -> Iterator[tuple[str, Parameter]]:
    """The paths and parameters that are not choices, nested ones included."""
    for parameter in parameters:
        path = above + parameter.key
        if not isinstance(parameter.domain, Choice):
            yield path, parameter
            continue
        for option in parameter.domain.options:
            yield from _innermost(option.children, f"{path}/")
