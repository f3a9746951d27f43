"""The contract of a domain: the values that one parameter may take."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar, Protocol

from annotate.json_value import JSON


class Random(Protocol):
    """The part of `numpy.random.Generator` that sampling needs (numpy itself is not imported)."""

    def random(self) -> float: ...
    def normal(self, loc: float, scale: float) -> float: ...
    def integers(self, low: int, high: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Domain(ABC):
    """Which values one parameter may take.

    `type` is NNI's `_type`. `examples` are valid `_value`s: the conformance suites try each of
    them with every tuner.
    """

    type: ClassVar[str]
    examples: ClassVar[tuple[list[JSON], ...]]

    @property
    @abstractmethod
    def arguments(self) -> list[JSON]:
        """NNI's `_value`."""

    @property
    @abstractmethod
    def size(self) -> int | None:
        """The number of distinct values; None if infinite."""

    @abstractmethod
    def nth(self, number: int) -> JSON:
        """The value with that number, 0 <= number < size. Only a finite domain is asked."""

    @abstractmethod
    def sample(self, rng: Random) -> JSON:
        """Draw a value from the domain's own distribution."""

    @abstractmethod
    def locate(self, value: JSON) -> JSON:
        """Return `value` as the domain writes it (1 as 1.0 if its values are floats).

        Raises SpaceError for a value outside the domain.
        """

    def to_json(self) -> dict[str, JSON]:
        return {"_type": self.type, "_value": self.arguments}

    def __str__(self) -> str:
        return f"{self.type}({', '.join(map(repr, self.arguments))})"


def argument_names(domain: type[Domain]) -> list[str]:
    return [field.name for field in fields(domain)]
