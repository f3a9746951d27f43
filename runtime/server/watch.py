"""What changes in an experiment, for those who look: only the trials that did, with their turn.

A look at the file's age costs microseconds and is all that happens while nothing does. When it
has changed, the trials are read again and compared with what was known.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.core.paths import ExperimentFolder
from runtime.server.describe import head
from runtime.store import Store
from runtime.store.reader import Reader
from runtime.system.lock import is_held

_EVERY = 0.25  # seconds between two looks
_BEAT = 10.0  # seconds after which a line says that the server is there
_SHARE = 10  # of the time at most one part in so many goes into reading


class Watch:
    """One experiment, as those who look at it know it."""

    def __init__(self, folder: ExperimentFolder) -> None:
        self._folder = folder
        self._epoch = secrets.token_hex(4)  # turns of another server mean nothing here
        self._turn = 0
        self._rows: dict[int, list[JSON]] = {}
        self._turns: dict[int, int] = {}
        self._head: dict[str, JSON] = {}
        self._sign: tuple[JSON, ...] = ()
        self._not_before = 0.0
        self._lock = asyncio.Lock()

    async def lines(self, since: str) -> AsyncIterator[str]:
        """JSON lines: what has changed since the turn `since`, and then whatever changes."""
        epoch, _, turn = since.partition("-")
        known = int(turn) if epoch == self._epoch and turn.isdecimal() else -1
        said = time.monotonic()
        while True:
            await self._look()
            if known < self._turn:
                yield await asyncio.to_thread(self._line, known)
                known, said = self._turn, time.monotonic()
            elif time.monotonic() - said > _BEAT:
                yield "{}\n"
                said = time.monotonic()
            await asyncio.sleep(_EVERY)

    def _line(self, known: int) -> str:
        rows = [row for number, row in self._rows.items() if self._turns[number] > known]
        line = {
            "turn": f"{self._epoch}-{self._turn}",
            "whole": known < 0,
            "experiment": self._head,
            "trials": rows,
        }
        return json.dumps(line, allow_nan=False, separators=(",", ":")) + "\n"

    async def _look(self) -> None:
        async with self._lock:
            if time.monotonic() < self._not_before:
                return
            sign = await asyncio.to_thread(self._read_sign)
            if sign == self._sign:
                return
            start = time.monotonic()
            if await asyncio.to_thread(self._read):
                self._sign = sign
            self._not_before = time.monotonic() + _SHARE * (time.monotonic() - start)

    def _read_sign(self) -> tuple[JSON, ...]:
        """Cheap, and different whenever the store or its driver's being alive has changed."""
        store = self._folder.store
        ages = []
        for path in (store, store.with_name(store.name + "-wal")):
            try:
                found = path.stat()
                ages.append((found.st_mtime_ns, found.st_size))
            except OSError:
                ages.append((0, 0))
        return (*ages, is_held(self._folder.lock))

    def _read(self) -> bool:
        try:
            with Store.open(self._folder.store) as store, Reader(self._folder.store) as reader:
                now = head(self._folder, store.experiment(), reader)
                rows = [brief(row) for row in reader.briefs()]
        except AnnotateError:
            return False  # it is being deleted, or written by a newer version: asked again
        changed = [row for row in rows if self._rows.get(row[0]) != row]
        if changed or now != self._head:
            turn = self._turn + 1
            self._turns.update({row[0]: turn for row in changed})
            self._rows.update({row[0]: row for row in changed})
            self._head = now
            self._turn = turn
        return True


def brief(row: tuple[JSON, ...]) -> list[JSON]:
    """[number, id, state, origin, metric, reports, last, created, started, ended, reason] in
    strict JSON: a metric that is no finite number is the string of its name."""
    number, name, state, origin, metric, missing, reports, last, *rest = row
    shown = None if missing else real(metric)
    curve = real(last) if reports else None
    return [number, name, state, origin, shown, reports, curve, *rest]


def real(value: float | None) -> float | str:
    """A number out of the store, where nan is NULL."""
    if value is None:
        return "nan"
    return value if abs(value) < float("inf") else "inf" if value > 0 else "-inf"
