"""What every domain can do, and what the numeric ones share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar, Protocol

from annotate.errors import SpaceError
from annotate.json_value import JSON

#: From NNI's `_type` to the class, in the order in which the documentation lists them.
DOMAINS: dict[str, type[Domain]] = {}

_DIGITS = 6
_ALL_DIGITS = 17  # that a float can have


class Random(Protocol):
    """The part of `numpy.random.Generator` that sampling needs (numpy itself is not imported)."""

    def random(self) -> float: ...
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


def as_number(value: JSON) -> float | int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SpaceError(f"{value!r} is not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise SpaceError(f"{value!r} is not a finite number")
    return value


def argument_names(domain: type[Domain]) -> list[str]:
    return [field.name for field in fields(domain)]


class Numeric(Domain):
    """A domain whose arguments and values are numbers."""

    __slots__ = ()

    @abstractmethod
    def near(self, value: float) -> float | int:
        """The domain's value nearest to `value`; a float has only digits that tell something."""

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
                as_number(getattr(self, name))
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
        if high - low == math.inf:
            raise SpaceError(
                f"{self}: low and high are further apart than floats reach",
                hint="a logarithmic domain spans more",
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


class Bounded(Numeric):
    """A numeric domain with bounds `low` and `high`."""

    __slots__ = ()
    low: float
    high: float

    def locate(self, value: JSON) -> JSON:
        number = as_number(value)
        if not self.low <= number <= self.high:
            raise SpaceError(f"{value!r} is not between {self.low} and {self.high}")
        return float(number)


class Unbounded(Numeric):
    """A numeric domain given by the mean `mu` and the standard deviation `sigma`."""

    __slots__ = ()
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        self._check()
        self._check_positive("sigma")

    def locate(self, value: JSON) -> JSON:
        return float(as_number(value))


class Quantised(Numeric):
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
        number = as_number(value)
        nearest = self.quantise(number)
        if not math.isclose(nearest, number, rel_tol=1e-9, abs_tol=1e-12 * self.q):
            raise SpaceError(f"{value!r} is not a multiple of {self.q}")
        return nearest


class BoundedQuantised(Quantised, Bounded):
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

    def near(self, value: float) -> float | int:
        if self.integral:
            return int(min(max(self.quantise(value), self.low), self.high))
        return float(min(max(self.quantise(value), self.low), self.high))

    def locate(self, value: JSON) -> JSON:
        number = as_number(value)
        for bound in self._clipped_bounds:
            if number == bound:
                return int(bound) if self.integral else float(bound)
        nearest = Quantised.locate(self, value)
        if not self.low - 1e-9 * self.q <= nearest <= self.high + 1e-9 * self.q:
            raise SpaceError(f"{value!r} is not between {self.low} and {self.high}")
        return self.near(nearest)


def short(value: float, width: float) -> float:
    """`value` with as many decimals as a millionth of `width` needs.

    What nobody can tell apart need not be read, typed and kept in a source in 17 digits.
    """
    return round(value, _DIGITS - math.floor(math.log10(width)))


def short_logarithmic(value: float, width: float) -> float:
    """The same for a positive value whose logarithm spans `width`: so many significant digits."""
    wanted = math.ceil(_DIGITS + 0.7 - math.log10(width)) if width else _ALL_DIGITS
    return float(f"{value:.{min(max(wanted, _DIGITS), _ALL_DIGITS)}g}")


def _tidy(value: float) -> float:
    """0.30000000000000004 -> 0.3: drop the dust that multiplying by a step leaves."""
    return float(f"{value:.12g}")
