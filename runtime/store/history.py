"""A result from another experiment or a file, as a row of the store."""

from __future__ import annotations

from dataclasses import dataclass

from annotate.space import Values


@dataclass(frozen=True, slots=True)
class KnownResult:
    """Values within the search space, their metric (None if the trial failed) and their source.

    `told` is the step in which the tuner received the result; None until then.
    """

    values: Values
    metric: float | None
    source: str
    number: int = -1
    told: int | None = None
