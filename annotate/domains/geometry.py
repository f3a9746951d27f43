"""The geometry of a numeric domain: where its values lie on a line, and how they are drawn."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

_DIGITS = 6
_ALL_DIGITS = 17  # enough for any float


class Scale(ABC):
    """Maps values to positions, along which a domain draws evenly or normally.

    `xp` is the module `math` for a float and `numpy` for an array. Values are above `low` and
    below `high`; `least` and `most` are the outermost floats between them. Positions beyond
    `reach`, on either side of 0, are cut off because their values would leave the floats.
    `hint` tells a user why a bound outside `low` and `high` is refused.
    """

    low = -math.inf
    high = math.inf
    least = -math.inf
    most = math.inf
    reach = math.inf
    hint = ""

    @abstractmethod
    def position(self, value: Any, xp: Any) -> Any:
        """The position of each value."""

    @abstractmethod
    def value(self, position: Any, xp: Any) -> Any:
        """The value at each position."""

    def shorten(self, value: float, width: float) -> float:
        """`value` without the digits that move its position by less than a millionth of `width`.

        Nobody should have to read, type or keep 17 digits where 6 make no difference.
        """
        position = self.position(value, math)
        for digits in range(_DIGITS, _ALL_DIGITS):
            short = float(f"{value:.{digits}g}")
            if self.least <= short <= self.most:
                moved = abs(self.position(short, math) - position)
                if moved <= width * 10**-_DIGITS:
                    return short
        return value


class _Linear(Scale):
    """Positions are the values themselves."""

    def position(self, value: Any, xp: Any) -> Any:
        return value

    def value(self, position: Any, xp: Any) -> Any:
        return position

    def shorten(self, value: float, width: float) -> float:
        return round(value, _DIGITS - math.floor(math.log10(width)))


class _Logarithmic(Scale):
    """Positions are the logarithms of positive values."""

    low = 0.0
    least = sys.float_info.min
    reach = 700.0
    hint = "the logarithm needs values above 0; uniform and quniform take 0 and below"

    def position(self, value: Any, xp: Any) -> Any:
        return xp.log(value)

    def value(self, position: Any, xp: Any) -> Any:
        return xp.exp(position)

    def shorten(self, value: float, width: float) -> float:
        digits = math.ceil(_DIGITS + 0.7 - math.log10(width)) if width else _ALL_DIGITS
        return float(f"{value:.{min(max(digits, _DIGITS), _ALL_DIGITS)}g}")


LINEAR: Scale = _Linear()
LOG: Scale = _Logarithmic()


@dataclass(frozen=True, slots=True)
class Law:
    """How positions are drawn: evenly from `low` to `high`, or normally if these are infinite.

    `middle` and `width` are the midpoint and the length of the range, or the mean and the
    standard deviation.
    """

    middle: float
    width: float
    low: float = -math.inf
    high: float = math.inf

    @classmethod
    def even(cls, low: float, high: float) -> Law:
        return cls((low + high) / 2, high - low, low, high)

    @classmethod
    def normal(cls, mean: float, deviation: float) -> Law:
        return cls(mean, deviation)

    @property
    def bounded(self) -> bool:
        return math.isfinite(self.low)


@dataclass(frozen=True, slots=True)
class Geometry:
    """All that an algorithm needs to know about a numeric domain.

    `low` and `high` are the least and the greatest value, infinite if there is none. `step` is
    the distance between values, 0 for floats. `law` applies to positions on `scale`.
    """

    low: float
    high: float
    scale: Scale
    law: Law
    step: float = 0.0

    @property
    def logarithmic(self) -> bool:
        return self.scale is LOG
