"""Families of numeric domains: a domain is a family with a scale."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

from annotate.domains.domain import Domain, Random, argument_names
from annotate.domains.geometry import LINEAR, Geometry, Law, Scale
from annotate.errors import SpaceError
from annotate.json_value import JSON

_SLACK = 1e-9  # relative rounding error that still counts as equal


def as_number(value: JSON) -> float | int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SpaceError(f"{value!r} is not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise SpaceError(f"{value!r} is not a finite number")
    return value


class Numeric(Domain):
    """A domain whose arguments and values are numbers."""

    __slots__ = ()
    scale: ClassVar[Scale] = LINEAR

    @property
    @abstractmethod
    def geometry(self) -> Geometry:
        """Where the values lie and how they are drawn."""

    @abstractmethod
    def near(self, value: float) -> float | int:
        """The domain's value nearest to `value`; floats lose digits that make no difference."""

    def nth(self, number: int) -> float | int:
        geometry = self.geometry
        return self.near((round(geometry.low / geometry.step) + number) * geometry.step)

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

    @property
    def step(self) -> float:
        """The distance between values; 0 for floats."""
        return 0.0

    def _check_arguments(self) -> None:
        for name in argument_names(type(self)):
            try:
                as_number(getattr(self, name))
            except SpaceError as error:
                raise SpaceError(f"{name} of {self.type}: {error}", argument=name) from None

    def _check_order(self) -> None:
        low, high = self.arguments[:2]
        if low > high:
            raise SpaceError(
                f"{self}: low {low} is not below high {high}",
                hint="write the smaller bound first",
                argument="low",
            )
        if high - low == math.inf:
            raise SpaceError(
                f"{self}: the distance from low to high exceeds the range of floats",
                hint="use a logarithmic domain for such a range",
                argument="low",
            )

    def _check_scale(self) -> None:
        low, high, scale = *self.arguments[:2], self.scale
        if low <= scale.low:
            text = f"{self}: low {low} is not above {scale.low:g}"
            raise SpaceError(text, hint=scale.hint, argument="low")
        if high >= scale.high:
            text = f"{self}: high {high} is not below {scale.high:g}"
            raise SpaceError(text, hint=scale.hint, argument="high")

    def _check_positive(self, name: str) -> None:
        value = getattr(self, name)
        if value <= 0:
            raise SpaceError(f"{self}: {name} {value} is not above 0", argument=name)


class Bounded(Numeric):
    """Floats from `low` to `high`, uniform on the scale; a constant if these are equal."""

    __slots__ = ()
    low: float
    high: float

    def __post_init__(self) -> None:
        self._check_arguments()
        self._check_order()
        self._check_scale()

    @property
    def size(self) -> int | None:
        return 1 if self.low == self.high else None

    def nth(self, number: int) -> float | int:
        return self.near(self.low)

    @property
    def ends(self) -> tuple[float, float]:
        """The positions between which values are drawn, those of `low` and `high`.

        A constant lies in the middle of an interval, since algorithms divide by its width.
        """
        first, last = (float(self.scale.position(end, math)) for end in (self.low, self.high))
        around = max(0.5, abs(first) * _SLACK) if first == last else 0.0
        return first - around, last + around

    @property
    def geometry(self) -> Geometry:
        return Geometry(self.low, self.high, self.scale, Law.even(*self.ends), self.step)

    def sample(self, rng: Random) -> JSON:
        first, last = self.ends
        # What numpy's `uniform` draws, at a third of its cost.
        position = first + (last - first) * rng.random()
        return self.near(self.scale.value(position, math))

    def near(self, value: float) -> float | int:
        first, last = self.ends
        inside = min(max(value, self.scale.least), self.scale.most)
        short = self.scale.shorten(inside, last - first)
        return float(min(max(short, self.low), self.high))

    def locate(self, value: JSON) -> JSON:
        number = as_number(value)
        if not self.low <= number <= self.high:
            raise SpaceError(f"{value!r} is not between {self.low} and {self.high}")
        return float(number)


class Unbounded(Numeric):
    """Floats whose position has the mean `mu` and the standard deviation `sigma`."""

    __slots__ = ()
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        self._check_arguments()
        self._check_positive("sigma")

    @property
    def geometry(self) -> Geometry:
        law = Law.normal(self.mu, self.sigma)
        return Geometry(self.scale.least, self.scale.most, self.scale, law)

    def sample(self, rng: Random) -> JSON:
        position, reach = rng.normal(self.mu, self.sigma), self.scale.reach
        return self.near(self.scale.value(min(max(position, -reach), reach), math))

    def near(self, value: float) -> float | int:
        inside = float(min(max(value, self.scale.least), self.scale.most))
        return self.scale.shorten(inside, self.sigma)

    def locate(self, value: JSON) -> JSON:
        number = as_number(value)
        if number <= self.scale.low:
            raise SpaceError(f"{value!r} is not above {self.scale.low:g}")
        if number >= self.scale.high:
            raise SpaceError(f"{value!r} is not below {self.scale.high:g}")
        return float(number)


class Quantised(Numeric):
    """Values are multiples of `q`, and the bounds themselves if rounding leaves them."""

    __slots__ = ()
    q: float

    @property
    def integral(self) -> bool:
        return all(isinstance(a, int) for a in self.arguments)

    @property
    def step(self) -> float:
        return float(self.q)

    def quantise(self, value: float) -> float | int:
        """Round to a multiple of q, half to even, without the error of floating point."""
        steps = round(value / self.q)
        return steps * self.q if self.integral else _tidy(steps * self.q)

    def locate(self, value: JSON) -> JSON:
        number = as_number(value)
        nearest = self.quantise(number)
        if not math.isclose(nearest, number, rel_tol=_SLACK, abs_tol=1e-12 * self.q):
            raise SpaceError(f"{value!r} is not a multiple of {self.q}")
        return nearest


class BoundedQuantised(Quantised, Bounded):
    """`clip(round(x / q) * q, low, high)`: a bound that is no multiple of q is a value too."""

    __slots__ = ()

    def __post_init__(self) -> None:
        self._check_arguments()
        self._check_positive("q")
        self._check_order()
        self._check_scale()

    @property
    def size(self) -> int | None:
        first, last = self._steps
        inner = max(0, last - first + 1)
        return inner + sum(not self._is_multiple(bound) for bound in self._clipped_bounds)

    def nth(self, number: int) -> float | int:
        return Numeric.nth(self, number)

    @property
    def _steps(self) -> tuple[int, int]:
        """The first and the last multiple of q inside the bounds, in steps."""
        return math.ceil(self.low / self.q - _SLACK), math.floor(self.high / self.q + _SLACK)

    def _is_multiple(self, bound: float) -> bool:
        return math.isclose(round(bound / self.q) * self.q, bound, rel_tol=_SLACK)

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
        inside = min(max(self.quantise(value), self.low), self.high)
        return int(inside) if self.integral else float(inside)

    def locate(self, value: JSON) -> JSON:
        number = as_number(value)
        for bound in self._clipped_bounds:
            if number == bound:
                return int(bound) if self.integral else float(bound)
        nearest = Quantised.locate(self, value)
        if not self.low - _SLACK * self.q <= nearest <= self.high + _SLACK * self.q:
            raise SpaceError(f"{value!r} is not between {self.low} and {self.high}")
        return self.near(nearest)


class UnboundedQuantised(Quantised, Unbounded):
    """`round(x / q) * q`; the ends of the scale are values too."""

    __slots__ = ()

    def __post_init__(self) -> None:
        Unbounded.__post_init__(self)
        self._check_positive("q")

    @property
    def geometry(self) -> Geometry:
        law = Law.normal(self.mu, self.sigma)
        return Geometry(self.scale.low, self.scale.high, self.scale, law, self.step)

    def near(self, value: float) -> float | int:
        return self.quantise(min(max(value, self.scale.low), self.scale.high))

    def locate(self, value: JSON) -> JSON:
        number = as_number(value)
        if number < self.scale.low:
            raise SpaceError(f"{value!r} is below {self.scale.low:g}")
        if number > self.scale.high:
            raise SpaceError(f"{value!r} is above {self.scale.high:g}")
        return Quantised.locate(self, value)


def _tidy(value: float) -> float:
    """0.30000000000000004 -> 0.3: remove the error that multiplying by a step leaves."""
    return float(f"{value:.12g}")
