"""The numeric domains, and what every domain can do."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, TypeAlias

from annotate.errors import SpaceError

JSON: TypeAlias = Any

#: From NNI's `_type` to the class, in the order in which the documentation lists them.
DOMAINS: dict[str, type[Domain]] = {}


class Random(Protocol):
    """The part of `numpy.random.Generator` that sampling needs (numpy itself is not imported)."""

    def uniform(self, low: float, high: float) -> float: ...
    def normal(self, loc: float, scale: float) -> float: ...
    def integers(self, low: int, high: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Domain(ABC):
    """What values one parameter may take. `type` is NNI's `_type`."""

    type: ClassVar[str]

    def __init_subclass__(cls) -> None:
        # `slots=True` makes each class twice; the second takes the first one's place.
        if "type" in cls.__dict__:
            DOMAINS[cls.type] = cls

    @property
    @abstractmethod
    def arguments(self) -> list[JSON]:
        """NNI's `_value`."""

    @property
    @abstractmethod
    def size(self) -> int | None:
        """How many different values there are; None where that is not finite."""

    @abstractmethod
    def sample(self, rng: Random) -> JSON:
        """Draw a value from the domain's own distribution."""

    @abstractmethod
    def locate(self, value: JSON) -> JSON:
        """Return `value` as the domain writes it (1 as 1.0 where values are floats).

        Raises SpaceError where it does not lie in the domain.
        """

    def to_json(self) -> dict[str, JSON]:
        return {"_type": self.type, "_value": self.arguments}

    def __str__(self) -> str:
        return f"{self.type}({', '.join(map(repr, self.arguments))})"


def _number(value: JSON) -> float | int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SpaceError(f"{value!r} is not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise SpaceError(f"{value!r} is not a finite number")
    return value


def argument_names(domain: type[Domain]) -> list[str]:
    return [field.name for field in fields(domain)]


class _Numeric(Domain):
    """A domain whose arguments and values are numbers."""

    __slots__ = ()

    @property
    def arguments(self) -> list[JSON]:
        return [getattr(self, name) for name in argument_names(type(self))]

    @property
    def integral(self) -> bool:
        """Whether values are ints: a quantised domain of which every argument is an int."""
        return False

    @property
    def size(self) -> int | None:
        return None

    def _check(self) -> None:
        for name in argument_names(type(self)):
            try:
                _number(getattr(self, name))
            except SpaceError as error:
                raise SpaceError(f"{name} of {self.type}: {error}", argument=name) from None

    def _check_order(self, *, positive: bool = False) -> None:
        low, high = self.arguments[:2]
        if low >= high:
            raise SpaceError(
                f"{self}: low {low} is not below high {high}",
                hint="write the smaller bound first" if low > high else "the bounds are equal",
                argument="low",
            )
        if positive and low <= 0:
            plain = self.type.replace("log", "")
            raise SpaceError(
                f"{self}: low {low} is not above 0",
                hint=f"a logarithm needs it; for values from 0 on use {plain}",
                argument="low",
            )

    def _check_positive(self, name: str) -> None:
        value = getattr(self, name)
        if value <= 0:
            raise SpaceError(f"{self}: {name} {value} is not above 0", argument=name)


class _Bounded(_Numeric):
    """A numeric domain with bounds `low` and `high`."""

    __slots__ = ()
    low: float
    high: float

    def locate(self, value: JSON) -> JSON:
        number = _number(value)
        if not self.low <= number <= self.high:
            raise SpaceError(f"{value!r} is not between {self.low} and {self.high}")
        return float(number)


class _Unbounded(_Numeric):
    """A numeric domain given by the mean `mu` and the standard deviation `sigma`."""

    __slots__ = ()
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        self._check()
        self._check_positive("sigma")

    def locate(self, value: JSON) -> JSON:
        return float(_number(value))


class _Quantised(_Numeric):
    """Values are multiples of `q`, and the bounds themselves where rounding leaves them."""

    __slots__ = ()
    q: float

    @property
    def integral(self) -> bool:
        return all(isinstance(a, int) for a in self.arguments)

    def quantise(self, value: float) -> float | int:
        """Round to a multiple of q, half to even, without float dust."""
        steps = round(value / self.q)
        return steps * self.q if self.integral else _tidy(steps * self.q)

    def locate(self, value: JSON) -> JSON:
        number = _number(value)
        nearest = self.quantise(number)
        if not math.isclose(nearest, number, rel_tol=1e-9, abs_tol=1e-12 * self.q):
            raise SpaceError(f"{value!r} is not a multiple of {self.q}")
        return nearest


class _BoundedQuantised(_Quantised, _Bounded):
    """`clip(round(x / q) * q, low, high)`: a bound that is no multiple of q is a value too."""

    __slots__ = ()

    @property
    def size(self) -> int | None:
        first, last = self._steps
        inner = max(0, last - first + 1)
        return inner + sum(not self._is_level(bound) for bound in self._clipped_bounds)

    @property
    def _steps(self) -> tuple[int, int]:
        """The first and the last multiple of q inside the bounds, in steps."""
        slack = 1e-9
        return math.ceil(self.low / self.q - slack), math.floor(self.high / self.q + slack)

    def _is_level(self, bound: float) -> bool:
        return math.isclose(round(bound / self.q) * self.q, bound, rel_tol=1e-9)

    @property
    def _clipped_bounds(self) -> list[float]:
        """The bounds that rounding can cross, so that clipping makes them values."""
        low_step, high_step = round(self.low / self.q), round(self.high / self.q)
        crossed = []
        if low_step * self.q < self.low:
            crossed.append(self.low)
        if high_step * self.q > self.high:
            crossed.append(self.high)
        return crossed

    def clip(self, value: float) -> float | int:
        """The domain's value nearest to `value` by its own rule."""
        if self.integral:
            return int(min(max(self.quantise(value), self.low), self.high))
        return float(min(max(self.quantise(value), self.low), self.high))

    def locate(self, value: JSON) -> JSON:
        number = _number(value)
        for bound in self._clipped_bounds:
            if number == bound:
                return int(bound) if self.integral else float(bound)
        nearest = _Quantised.locate(self, value)
        if not self.low - 1e-9 * self.q <= nearest <= self.high + 1e-9 * self.q:
            raise SpaceError(f"{value!r} is not between {self.low} and {self.high}")
        return self.clip(nearest)


def _tidy(value: float) -> float:
    """0.30000000000000004 -> 0.3: drop the dust that multiplying by a step leaves."""
    return float(f"{value:.12g}")


@dataclass(frozen=True, slots=True)
class RandInt(_Numeric):
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

    def locate(self, value: JSON) -> JSON:
        number = _number(value)
        if number != int(number):
            raise SpaceError(f"{value!r} is not an int")
        if not self.low <= number < self.high:
            raise SpaceError(f"{value!r} is not in {self.low} <= v < {self.high}")
        return int(number)


@dataclass(frozen=True, slots=True)
class Uniform(_Bounded):
    """A float between low and high."""

    type: ClassVar[str] = "uniform"
    low: float
    high: float

    def __post_init__(self) -> None:
        self._check()
        self._check_order()

    def sample(self, rng: Random) -> JSON:
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True, slots=True)
class QUniform(_BoundedQuantised):
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
        return self.clip(rng.uniform(self.low, self.high))


@dataclass(frozen=True, slots=True)
class LogUniform(_Bounded):
    """A float between low and high, its logarithm uniform; low > 0."""

    type: ClassVar[str] = "loguniform"
    low: float
    high: float

    def __post_init__(self) -> None:
        self._check()
        self._check_order(positive=True)

    def sample(self, rng: Random) -> JSON:
        value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return min(max(value, float(self.low)), float(self.high))


@dataclass(frozen=True, slots=True)
class QLogUniform(_BoundedQuantised):
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
        return self.clip(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))


@dataclass(frozen=True, slots=True)
class Normal(_Unbounded):
    """A float with mean mu and standard deviation sigma, unbounded."""

    type: ClassVar[str] = "normal"
    mu: float
    sigma: float

    def sample(self, rng: Random) -> JSON:
        return float(rng.normal(self.mu, self.sigma))


@dataclass(frozen=True, slots=True)
class QNormal(_Quantised, _Unbounded):
    """`round(normal(mu, sigma) / q) * q`, unbounded."""

    type: ClassVar[str] = "qnormal"
    mu: float
    sigma: float
    q: float

    def __post_init__(self) -> None:
        _Unbounded.__post_init__(self)
        self._check_positive("q")

    def sample(self, rng: Random) -> JSON:
        return self.quantise(rng.normal(self.mu, self.sigma))


def _exp(x: float) -> float:
    """A positive, finite float also where exp would leave the floats."""
    return math.exp(min(max(x, -700.0), 700.0))


@dataclass(frozen=True, slots=True)
class LogNormal(_Unbounded):
    """A positive float whose logarithm has mean mu and standard deviation sigma."""

    type: ClassVar[str] = "lognormal"
    mu: float
    sigma: float

    def sample(self, rng: Random) -> JSON:
        return _exp(rng.normal(self.mu, self.sigma))

    def locate(self, value: JSON) -> JSON:
        if _number(value) <= 0:
            raise SpaceError(f"{value!r} is not above 0")
        return float(value)


@dataclass(frozen=True, slots=True)
class QLogNormal(_Quantised, _Unbounded):
    """`round(lognormal(mu, sigma) / q) * q`, 0 included."""

    type: ClassVar[str] = "qlognormal"
    mu: float
    sigma: float
    q: float

    def __post_init__(self) -> None:
        _Unbounded.__post_init__(self)
        self._check_positive("q")

    def sample(self, rng: Random) -> JSON:
        return self.quantise(_exp(rng.normal(self.mu, self.sigma)))

    def locate(self, value: JSON) -> JSON:
        if _number(value) < 0:
            raise SpaceError(f"{value!r} is below 0")
        return _Quantised.locate(self, value)


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
