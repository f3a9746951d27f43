"""An eleventh domain, as a contributor would add it: a scale, a class, and its registration.

It is no test. `test_new_domain.py` proves that nothing else has to be edited.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, ClassVar

from annotate.domains import register
from annotate.domains.geometry import Scale
from annotate.domains.numeric import Bounded


class Logit(Scale):
    """Positions are the logarithms of the odds, for shares that matter near 0 and near 1."""

    low, high = 0.0, 1.0
    least, most = sys.float_info.min, 1 - sys.float_info.epsilon / 2
    hint = "a share lies between 0 and 1"

    def position(self, value: Any, xp: Any) -> Any:
        return xp.log(value) - xp.log1p(-value)

    def value(self, position: Any, xp: Any) -> Any:
        return 1 / (1 + xp.exp(-position))


@register
@dataclass(frozen=True, slots=True)
class LogitUniform(Bounded):
    """A share between low and high, the logarithm of its odds uniform; 0 < low, high < 1."""

    type: ClassVar[str] = "logituniform"
    examples: ClassVar[tuple[list[Any], ...]] = ([0.001, 0.999],)
    scale: ClassVar[Scale] = Logit()
    low: float
    high: float
