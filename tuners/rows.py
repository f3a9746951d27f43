"""What a tuner knows as rows of numbers, each converted once."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable

import numpy as np

from annotate.space import Values
from tuners.fresh import FreshTuner
from tuners.geometry.axes import Floats


class Rows:
    """The rows of a tuner's results and of its pending trials, in their order.

    `convert` makes a row of `width` numbers of values. Without this, each ask would convert all
    results again, and ten thousand trials that run at the same time.
    """

    def __init__(
        self, tuner: FreshTuner, width: int, convert: Callable[[Values], Iterable[float]]
    ) -> None:
        self._tuner, self._width, self._convert = tuner, width, convert
        self._results = array("d")
        self._count = 0
        self._pending: dict[str, array[float]] = {}

    def results(self) -> Floats:
        """A row for each result, oldest first."""
        for result in self._tuner.results[self._count :]:
            self._results.extend(self._convert(result.values))
            self._count += 1
        return np.array(self._results).reshape(self._count, self._width)

    def pending(self) -> Floats:
        """A row for each pending trial, oldest first."""
        known = self._pending
        self._pending = {
            key: known[key] if key in known else array("d", self._convert(values))
            for key, values in self._tuner.pending_by_key.items()
        }
        joined = b"".join(self._pending.values())
        return np.frombuffer(joined).reshape(len(self._pending), self._width)
