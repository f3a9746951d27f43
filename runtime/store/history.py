"""A result from elsewhere, as a row of the store."""

from __future__ import annotations

from dataclasses import dataclass

from annotate.space import Values


@dataclass(frozen=True, slots=True)
class Known:
    """Values in the space with their metric, None where they failed, and where they are from.

    `told` is the step in which the tuner learned of it, None where it has not yet.
    """

    values: Values
    metric: float | None
    source: str
    number: int = -1
    told: int | None = None
