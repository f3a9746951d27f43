"""Tries a list of configurations."""

from __future__ import annotations

from annotate.domains import Choice
from annotate.space import SearchSpace
from tuners.base import TunerError
from tuners.geometry.coordinates import taken_by
from tuners.grid import GridSearch


class BatchTuner(GridSearch):
    """Tries the options of a single choice, each a whole configuration, in the order written.

    NNI's page Tuner/BatchTuner, which names the parameter `combine_params`.
    """

    def __init__(self, space: SearchSpace, *, seed: int, maximize: bool = False) -> None:
        hint = "write each configuration as an option of one choice, or use auto"
        for parameter in space:
            if not isinstance(parameter.domain, Choice):
                raise TunerError(
                    f"batch needs a choice, but {parameter.name} is {parameter.domain}",
                    hint=taken_by(parameter.domain, hint),
                )
        if len(space) > 1:
            names = ", ".join(space.names.values())
            raise TunerError(
                f"batch takes exactly one parameter, not {len(space)}: {names}", hint=hint
            )
        super().__init__(space, seed=seed, maximize=maximize)
