"""What experiments' results say of their parameters, worked out when it is first asked for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from annotate.errors import AnnotateError
from annotate.space import SearchSpace
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import TrialState
from runtime.store import Store
from runtime.store.reader import Reader
from tuners.geometry.cells import Cells
from tuners.importance.anova import Importance

_KEPT = 4  # experiments: each takes a few megabytes
_SHARE = 10  # of the time at most one part in so many goes into one experiment's


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learned of an experiment when its trials were `counts` by state, and `results` of
    them had a finite result; without an `importance` there is a `reason`. Until `good_until`, by
    the monotonic clock, it is not looked whether there is more to learn."""

    space: SearchSpace
    cells: Cells
    counts: dict[str, int]
    results: int
    importance: Importance | None
    reason: str
    good_until: float

    def is_of(self, space: SearchSpace, counts: dict[str, int]) -> bool:
        done = TrialState.SUCCEEDED.value
        return space == self.space and counts.get(done) == self.counts.get(done)


class Lessons:
    """One lesson is learned at a time, in a thread: whoever asks meanwhile waits for nothing
    else than its answer, and others wait for nothing."""

    def __init__(self) -> None:
        self._known: dict[str, Lesson] = {}
        self._learning = asyncio.Lock()

    async def of(self, folder: ExperimentFolder) -> Lesson:
        async with self._learning:
            known = self._known.pop(folder.id, None)
            if known is None or time.monotonic() >= known.good_until:
                known = await asyncio.to_thread(_learn, folder, known)
            self._known[folder.id] = known
            while len(self._known) > _KEPT:
                self._known.pop(next(iter(self._known)))
            return known


def _learn(folder: ExperimentFolder, known: Lesson | None) -> Lesson:
    with Store.open(folder.store) as store, Reader(folder.store) as reader:
        space, counts = store.experiment().space, reader.states()
        if known is not None and known.is_of(space, counts):
            return known
        start = time.monotonic()
        rows = reader.results()
    importance, reason = None, ""
    try:
        importance = Importance(space, [(values, metric) for _, _, values, metric in rows])
    except AnnotateError as error:
        reason = str(error)
    until = time.monotonic() + _SHARE * (time.monotonic() - start)
    return Lesson(space, Cells(space), counts, len(rows), importance, reason, until)
