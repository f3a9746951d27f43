"""The numeric domains."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import ClassVar

from annotate.domains.domain import (
    DOMAINS,
    Bounded,
    BoundedQuantised,
    Domain,
    Numeric,
    Quantised,
    Random,
    Unbounded,
    argument_names,
    as_number,
    short,
    short_logarithmic,
)
from annotate.errors import SpaceError
from annotate.json_value import JSON


def _between(low: float, high: float, rng: Random) -> float:
    """What numpy's `uniform` draws, at a third of its cost."""
    return low + (high - low) * rng.random()


@dataclass(frozen=True, slots=True)
class RandInt(Numeric):
    """An int, low <= v < high."""

    type: ClassVar[str] = "randint"
    low: int
    high: int

    def __post_init__(self) -> None:
        self._check()
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

    @property
    def integral(self) -> bool:
        return True

    @property
    def size(self) -> int | None:
        return self.high - self.low

    def sample(self, rng: Random) -> JSON:
        return int(rng.integers(self.low, self.high))

    def near(self, value: float) -> int:
        return min(max(round(value), self.low), self.high - 1)

    def locate(self, value: JSON) -> JSON:
        number = as_number(value)
        if number != int(number):
            raise SpaceError(f"{value!r} is not an int")
        if not self.low <= number < self.high:
            raise SpaceError(f"{value!r} is not in {self.low} <= v < {self.high}")
        return int(number)


@dataclass(frozen=True, slots=True)
class Uniform(Bounded):
    """A float between low and high."""

    type: ClassVar[str] = "uniform"
    low: float
    high: float

    def __post_init__(self) -> None:
        self._check()
        self._check_order()

    def sample(self, rng: Random) -> JSON:
        return self.near(_between(self.low, self.high, rng))

    def near(self, value: float) -> float:
        found = short(value, self.high - self.low)
        return float(min(max(found, self.low), self.high))


@dataclass(frozen=True, slots=True)
class QUniform(BoundedQuantised):
    """`clip(round(uniform(low, high) / q) * q, low, high)`."""

    type: ClassVar[str] = "quniform"
    low: float
    high: float
    q: float

    def __post_init__(self) -> None:
        self._check()
        self._check_positive("q")
        self._check_order()

    def sample(self, rng: Random) -> JSON:
        return self.near(_between(self.low, self.high, rng))


@dataclass(frozen=True, slots=True)
class LogUniform(Bounded):
    """A float between low and high, its logarithm uniform; low > 0."""

    type: ClassVar[str] = "loguniform"
    low: float
    high: float

    def __post_init__(self) -> None:
        self._check()
        self._check_order(positive=True)

    def sample(self, rng: Random) -> JSON:
        return self.near(math.exp(_between(math.log(self.low), math.log(self.high), rng)))

    def near(self, value: float) -> float:
        found = short_logarithmic(value, math.log(self.high) - math.log(self.low))
        return float(min(max(found, self.low), self.high))


@dataclass(frozen=True, slots=True)
class QLogUniform(BoundedQuantised):
    """`clip(round(loguniform(low, high) / q) * q, low, high)`; low > 0."""

    type: ClassVar[str] = "qloguniform"
    low: float
    high: float
    q: float

    def __post_init__(self) -> None:
        self._check()
        self._check_positive("q")
        self._check_order(positive=True)

    def sample(self, rng: Random) -> JSON:
        return self.near(math.exp(_between(math.log(self.low), math.log(self.high), rng)))


@dataclass(frozen=True, slots=True)
class Normal(Unbounded):
    """A float with mean mu and standard deviation sigma, unbounded."""

    type: ClassVar[str] = "normal"
    mu: float
    sigma: float

    def sample(self, rng: Random) -> JSON:
        return self.near(rng.normal(self.mu, self.sigma))

    def near(self, value: float) -> float:
        return short(float(value), self.sigma)


@dataclass(frozen=True, slots=True)
class QNormal(Quantised, Unbounded):
    """`round(normal(mu, sigma) / q) * q`, unbounded."""

    type: ClassVar[str] = "qnormal"
    mu: float
    sigma: float
    q: float

    def __post_init__(self) -> None:
        Unbounded.__post_init__(self)
        self._check_positive("q")

    def sample(self, rng: Random) -> JSON:
        return self.near(rng.normal(self.mu, self.sigma))

    def near(self, value: float) -> float | int:
        return self.quantise(value)


def _exp(x: float) -> float:
    """A positive, finite float also where exp would leave the floats."""
    return math.exp(min(max(x, -700.0), 700.0))


@dataclass(frozen=True, slots=True)
class LogNormal(Unbounded):
    """A positive float whose logarithm has mean mu and standard deviation sigma."""

    type: ClassVar[str] = "lognormal"
    mu: float
    sigma: float

    def sample(self, rng: Random) -> JSON:
        return self.near(_exp(rng.normal(self.mu, self.sigma)))

    def near(self, value: float) -> float:
        return short_logarithmic(max(value, sys.float_info.min), self.sigma)

    def locate(self, value: JSON) -> JSON:
        if as_number(value) <= 0:
            raise SpaceError(f"{value!r} is not above 0")
        return float(value)


@dataclass(frozen=True, slots=True)
class QLogNormal(Quantised, Unbounded):
    """`round(lognormal(mu, sigma) / q) * q`, 0 included."""

    type: ClassVar[str] = "qlognormal"
    mu: float
    sigma: float
    q: float

    def __post_init__(self) -> None:
        Unbounded.__post_init__(self)
        self._check_positive("q")

    def sample(self, rng: Random) -> JSON:
        return self.near(_exp(rng.normal(self.mu, self.sigma)))

    def near(self, value: float) -> float | int:
        return self.quantise(max(value, 0.0))

    def locate(self, value: JSON) -> JSON:
        if as_number(value) < 0:
            raise SpaceError(f"{value!r} is below 0")
        return Quantised.locate(self, value)


def numeric_domain(kind: str, arguments: list[JSON]) -> Domain:
    """The domain `kind(*arguments)`; raises SpaceError for a wrong number or kind of arguments."""
    domain = DOMAINS[kind]
    names = argument_names(domain)
    if len(arguments) != len(names):
        wanted = ", ".join(names)
        raise SpaceError(
            f"{kind} takes {len(names)} arguments ({wanted}), not {len(arguments)}",
            hint=f"write {kind}({wanted})",
        )
    return domain(*arguments)
