"""Live updates of an experiment: the trials that changed since a client's last update.

While nothing happens, the only cost is reading the file's time stamp, which takes microseconds.
When it changes, all trials are read and compared with the previous rows.
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
from runtime.kept.experiments import experiment_document
from runtime.store import Store
from runtime.store.columns import LIVE
from runtime.store.reader import Reader
from runtime.system.lock import is_held

_INTERVAL = 0.25  # seconds between two checks
_HEARTBEAT = 10.0  # seconds after which an empty line shows that the server is alive
_IDLE_FACTOR = 10  # reading takes at most one part in this many of the time
_NUMBER = LIVE.index("number")


class Watch:
    """One experiment, shared by all clients that follow it.

    A turn is one change; each client names the last turn that it has seen.
    """

    def __init__(self, folder: ExperimentFolder) -> None:
        self._folder = folder
        self._epoch = secrets.token_hex(4)  # tells this server's turns from another's
        self._turn = 0
        self._rows: dict[int, list[JSON]] = {}
        self._turns: dict[int, int] = {}  # from a trial's number to its last change
        self._experiment: dict[str, JSON] = {}
        self._stamp: tuple[JSON, ...] = ()
        self._not_before = 0.0
        self._lock = asyncio.Lock()

    async def lines(self, since: str) -> AsyncIterator[str]:
        """JSON lines: what has changed since the turn `since`, then each further change."""
        epoch, _, turn = since.partition("-")
        known = int(turn) if epoch == self._epoch and turn.isdecimal() else -1
        sent = time.monotonic()
        while True:
            await self._check()
            if known < self._turn:
                yield await asyncio.to_thread(self._line, known)
                known, sent = self._turn, time.monotonic()
            elif time.monotonic() - sent > _HEARTBEAT:
                yield "{}\n"
                sent = time.monotonic()
            await asyncio.sleep(_INTERVAL)

    def _line(self, known: int) -> str:
        rows = [row for number, row in self._rows.items() if self._turns[number] > known]
        line = {
            "turn": f"{self._epoch}-{self._turn}",
            "whole": known < 0,
            "experiment": self._experiment,
            "columns": LIVE,
            "trials": rows,
        }
        return json.dumps(line, allow_nan=False, separators=(",", ":")) + "\n"

    async def _check(self) -> None:
        async with self._lock:
            if time.monotonic() < self._not_before:
                return
            stamp = await asyncio.to_thread(self._read_stamp)
            if stamp == self._stamp:
                return
            start = time.monotonic()
            if await asyncio.to_thread(self._read):
                self._stamp = stamp
            self._not_before = time.monotonic() + _IDLE_FACTOR * (time.monotonic() - start)

    def _read_stamp(self) -> tuple[JSON, ...]:
        """Cheap to read; changes whenever the store does, or the driver starts or ends."""
        store = self._folder.store
        ages = []
        for path in (store, store.with_name(store.name + "-wal")):
            try:
                stat = path.stat()
                ages.append((stat.st_mtime_ns, stat.st_size))
            except OSError:
                ages.append((0, 0))
        return (*ages, is_held(self._folder.lock))

    def _read(self) -> bool:
        try:
            with Store.open(self._folder.store) as store, Reader(self._folder.store) as reader:
                now = experiment_document(self._folder, store.experiment(), reader)
                rows = reader.live_rows()
        except AnnotateError:
            return False  # it is being deleted, or has a newer format: try again later
        changed = [row for row in rows if self._rows.get(row[_NUMBER]) != row]
        if changed or now != self._experiment:
            turn = self._turn + 1
            self._turns.update({row[_NUMBER]: turn for row in changed})
            self._rows.update({row[_NUMBER]: row for row in changed})
            self._experiment = now
            self._turn = turn
        return True
