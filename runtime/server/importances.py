"""Parameter importance per experiment, computed on request and cached."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from annotate.errors import AnnotateError
from annotate.space import SearchSpace
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import TrialState
from runtime.store import Store
from runtime.store.reader import Reader
from tuners.geometry.cells import Cells, Side
from tuners.importance.anova import Importance

_KEPT = 4  # experiments; each takes a few megabytes
_IDLE_FACTOR = 10  # computing takes at most one part in this many of the time


@dataclass(frozen=True, slots=True)
class ComputedImportance:
    """The importance of an experiment's parameters.

    `cells` is empty where the space has a domain without cells. `counts` is the number of trials in
    each state at that time, `results` how many of them had a finite result. Without an `importance`
    there is a `reason`. It is not checked for new results before `good_until` on the monotonic
    clock.
    """

    space: SearchSpace
    cells: Sequence[Side]
    counts: dict[str, int]
    results: int
    importance: Importance | None
    reason: str
    good_until: float

    def is_current(self, space: SearchSpace, counts: dict[str, int]) -> bool:
        done = TrialState.SUCCEEDED.value
        return space == self.space and counts.get(done) == self.counts.get(done)


class ImportanceCache:
    """Computes one importance at a time in a worker thread, so other requests never wait."""

    def __init__(self) -> None:
        self._known: dict[str, ComputedImportance] = {}
        self._computing = asyncio.Lock()

    async def of(self, folder: ExperimentFolder) -> ComputedImportance:
        async with self._computing:
            known = self._known.pop(folder.id, None)
            if known is None or time.monotonic() >= known.good_until:
                known = await asyncio.to_thread(_compute, folder, known)
            self._known[folder.id] = known
            while len(self._known) > _KEPT:
                self._known.pop(next(iter(self._known)))
            return known


def _compute(folder: ExperimentFolder, known: ComputedImportance | None) -> ComputedImportance:
    with Store.open(folder.store) as store, Reader(folder.store) as reader:
        space, counts = store.experiment().space, reader.states()
        if known is not None and known.is_current(space, counts):
            return known
        start = time.monotonic()
        rows = reader.results()
    cells: Sequence[Side] = ()
    importance, reason = None, ""
    try:
        cells = Cells(space)
        importance = Importance(space, [(values, metric) for _, _, values, metric in rows])
    except AnnotateError as error:
        reason = str(error)
    until = time.monotonic() + _IDLE_FACTOR * (time.monotonic() - start)
    return ComputedImportance(space, cells, counts, len(rows), importance, reason, until)
