"""Notices when trials that run at the same time write the same file."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path

from runtime.core.config import Config
from runtime.core.metrics import Batch
from runtime.core.trial import Trial

_MOST_NAMED = 3
_MANY = 1000  # files
_LATE = 600.0  # seconds after a trial's end in which others may still report what they wrote before


class SharedFiles:
    """Remembers which trials wrote which files while they ran."""

    def __init__(self, trials: Mapping[int, Trial], config: Config) -> None:
        self._trials = trials
        self._isolate = config.isolate
        self._folder = Path(os.path.realpath(config.cwd))
        self._writers: dict[
            str, dict[int, float]
        ] = {}  # by file and trial: when the trial opened it
        self._shared: set[str] = set()
        self._most = _MANY  # files of single trials until the old ones are dropped

    def notices(self, number: int, batch: Batch) -> list[str]:
        """The message about the first files that this and another running trial write."""
        shared: dict[str, list[int]] = {}
        for path, when in batch.wrote.items():
            if path in self._shared:
                continue
            others = self._others(path, number, when)
            self._writers[path] = {**others, number: when}
            if others:
                shared[path] = sorted(self._writers.pop(path))
                logging.info("trials %s write %s at the same time", shared[path], path)
        if len(self._writers) > self._most:
            self._drop_old(time.time())
        is_first = not self._shared
        self._shared.update(shared)
        return [self._message(shared)] if shared and is_first else []

    def _drop_old(self, now: float) -> None:
        """Drop the files of trials that ended long ago, which no other trial can share any more."""

        def counts(number: int) -> bool:
            trial = self._trials.get(number)
            return trial is not None and (trial.ended is None or now - trial.ended < _LATE)

        self._writers = {
            path: writers for path, writers in self._writers.items() if any(map(counts, writers))
        }
        self._most = max(_MANY, 2 * len(self._writers))

    def _others(self, path: str, number: int, when: float) -> dict[int, float]:
        """The trials that wrote the file and were still running at that time."""
        writers = self._writers.get(path, {})
        return {n: at for n, at in writers.items() if n != number and self._runs(n, at, when)}

    def _runs(self, number: int, written: float, when: float) -> bool:
        trial = self._trials.get(number)
        if trial is None or trial.started is None or written < trial.started:
            return False  # it runs again
        return when <= (math.inf if trial.ended is None else trial.ended)

    def _message(self, shared: Mapping[str, list[int]]) -> str:
        files = [self._shown(path) for path in list(shared)[:_MOST_NAMED]]
        numbers = sorted({number for trials in shared.values() for number in trials})
        hint = (
            "--isolate covers only the working folder."
            if self._isolate
            else "--isolate gives each trial a working folder of its own."
        )
        return (
            f"Trials {_listed([str(n) for n in numbers])} write {_listed(files)} at the same time, "
            f"so results may be wrong. {hint}"
        )

    def _shown(self, path: str) -> str:
        place = Path(os.fsencode(path).decode(errors="replace"))
        inside = place.is_relative_to(self._folder)
        return str(place.relative_to(self._folder) if inside else place)


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
