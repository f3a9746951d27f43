"""NNI's nine numeric domains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from annotate.domains.domain import Random
from annotate.domains.geometry import LINEAR, LOG, Geometry, Law, Scale
from annotate.domains.numeric import (
    Bounded,
    BoundedQuantised,
    Numeric,
    Unbounded,
    UnboundedQuantised,
    as_number,
)
from annotate.domains.registry import register
from annotate.errors import SpaceError
from annotate.json_value import JSON


@register
@dataclass(frozen=True, slots=True)
class RandInt(Numeric):
    """An int, low <= v < high."""

    type: ClassVar[str] = "randint"
    examples: ClassVar[tuple[list[JSON], ...]] = ([-3, 20], [0, 1000])
    low: int
    high: int

    def __post_init__(self) -> None:
        self._check_arguments()
        for name in ("low", "high"):
            bound = getattr(self, name)
            if bound != int(bound):
                raise SpaceError(
                    f"{self}: {name} {bound} is not an int",
                    hint="use uniform for floats",
                    argument=name,
                )
            object.__setattr__(self, name, int(bound))
        self._check_order()
        if self.low == self.high:
            hint = f"high is never drawn: randint({self.low}, {self.low + 1}) is {self.low}"
            raise SpaceError(
                f"{self}: high {self.high} is not above low", hint=hint, argument="high"
            )

    @property
    def integral(self) -> bool:
        return True

    @property
    def size(self) -> int | None:
        return self.high - self.low

    @property
    def step(self) -> float:
        return 1.0

    @property
    def geometry(self) -> Geometry:
        # Half a step more at either end, so that rounding gives every int an equal share.
        law = Law.even(self.low - 0.5, self.high - 0.5)
        return Geometry(self.low, self.high - 1, LINEAR, law, self.step)

    def sample(self, rng: Random) -> JSON:
        return int(rng.integers(self.low, self.high))

    def near(self, value: float) -> int:
        return min(max(round(value), self.low), self.high - 1)

    def nth(self, number: int) -> int:
        return self.low + number

    def locate(self, value: JSON) -> JSON:
        number = as_number(value)
        if number != int(number):
            raise SpaceError(f"{value!r} is not an int")
        if not self.low <= number < self.high:
            raise SpaceError(f"{value!r} is not in {self.low} <= v < {self.high}")
        return int(number)


@register
@dataclass(frozen=True, slots=True)
class Uniform(Bounded):
    """A float between low and high."""

    type: ClassVar[str] = "uniform"
    examples: ClassVar[tuple[list[JSON], ...]] = ([0.1, 3],)
    low: float
    high: float


@register
@dataclass(frozen=True, slots=True)
class QUniform(BoundedQuantised):
    """`clip(round(uniform(low, high) / q) * q, low, high)`."""

    type: ClassVar[str] = "quniform"
    examples: ClassVar[tuple[list[JSON], ...]] = ([0.05, 1, 0.1], [0, 10, 2])
    low: float
    high: float
    q: float


@register
@dataclass(frozen=True, slots=True)
class LogUniform(Bounded):
    """A float between low and high, its logarithm uniform; low > 0."""

    type: ClassVar[str] = "loguniform"
    examples: ClassVar[tuple[list[JSON], ...]] = ([1e-5, 1e-1],)
    scale: ClassVar[Scale] = LOG
    low: float
    high: float


@register
@dataclass(frozen=True, slots=True)
class QLogUniform(BoundedQuantised):
    """`clip(round(loguniform(low, high) / q) * q, low, high)`; low > 0."""

    type: ClassVar[str] = "qloguniform"
    examples: ClassVar[tuple[list[JSON], ...]] = ([1, 1000, 4],)
    scale: ClassVar[Scale] = LOG
    low: float
    high: float
    q: float


@register
@dataclass(frozen=True, slots=True)
class Normal(Unbounded):
    """A float with mean mu and standard deviation sigma, unbounded."""

    type: ClassVar[str] = "normal"
    examples: ClassVar[tuple[list[JSON], ...]] = ([1, 2],)
    mu: float
    sigma: float


@register
@dataclass(frozen=True, slots=True)
class QNormal(UnboundedQuantised):
    """`round(normal(mu, sigma) / q) * q`, unbounded."""

    type: ClassVar[str] = "qnormal"
    examples: ClassVar[tuple[list[JSON], ...]] = ([0, 5, 0.5],)
    mu: float
    sigma: float
    q: float


@register
@dataclass(frozen=True, slots=True)
class LogNormal(Unbounded):
    """A positive float whose logarithm has mean mu and standard deviation sigma."""

    type: ClassVar[str] = "lognormal"
    examples: ClassVar[tuple[list[JSON], ...]] = ([0, 1],)
    scale: ClassVar[Scale] = LOG
    mu: float
    sigma: float


@register
@dataclass(frozen=True, slots=True)
class QLogNormal(UnboundedQuantised):
    """`round(lognormal(mu, sigma) / q) * q`, 0 included."""

    type: ClassVar[str] = "qlognormal"
    examples: ClassVar[tuple[list[JSON], ...]] = ([0, 1, 0.25],)
    scale: ClassVar[Scale] = LOG
    mu: float
    sigma: float
    q: float
