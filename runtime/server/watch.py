"""Live updates of an experiment: the trials that changed since a client's last update.

While nothing happens, a client waits for the system to tell of a change in the experiment's folder.
Then the store's time stamp is read, and if that is new, all trials are read and compared with the
previous rows.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.core.paths import ExperimentFolder
from runtime.kept.experiments import experiment_document
from runtime.server.folder_changes import FolderChanges
from runtime.store import Store
from runtime.store.columns import LIVE
from runtime.store.reader import Reader
from runtime.system.lock import is_held

_INTERVAL = 0.25  # seconds between two checks while things change
_HEARTBEAT = 10.0  # seconds after which an empty line shows that the server is alive
_IDLE_FACTOR = 10  # reading takes at most one part in this many of the time
_HALF_DONE = 100_000_000  # nanoseconds
_NUMBER = LIVE.index("number")


@dataclass(frozen=True, slots=True)
class Stamp:
    """The state of a store's files: when they changed (in nanoseconds), their sizes, the lock."""

    files: tuple[tuple[int, int], ...] = ()
    running: bool = False


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
        self._stamp = Stamp()
        self._not_before = 0.0
        self._lock = asyncio.Lock()

    async def lines(self, since: str) -> AsyncIterator[str]:
        """JSON lines: what has changed since the turn `since`, then each further change."""
        epoch, _, turn = since.partition("-")
        known = int(turn) if epoch == self._epoch and turn.isdecimal() else -1
        sent = time.monotonic()
        with FolderChanges(self._folder.path, 0.0) as changes:  # it pauses below
            while True:
                settled = not changes.take()  # a file changes a moment before its content counts
                settled = await self._check() and settled
                if known < self._turn:
                    yield await asyncio.to_thread(self._line, known)
                    known, sent = self._turn, time.monotonic()
                elif time.monotonic() >= sent + _HEARTBEAT:
                    yield "{}\n"
                    sent = time.monotonic()
                await asyncio.sleep(_INTERVAL)
                if settled:
                    await changes.wait(sent + _HEARTBEAT - time.monotonic())

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

    async def _check(self) -> bool:
        """Read what has changed; returns whether that was all, or must be tried again."""
        async with self._lock:
            if time.monotonic() < self._not_before:
                return False
            stamp = await asyncio.to_thread(self._read_stamp)
            if stamp == self._stamp:
                return True
            start, settled = time.monotonic(), not self._is_recent(stamp)
            if await asyncio.to_thread(self._read) and settled:
                self._stamp = stamp
            self._not_before = time.monotonic() + _IDLE_FACTOR * (time.monotonic() - start)
            return self._stamp == stamp

    def _is_recent(self, stamp: Stamp) -> bool:
        """Whether the last change may be half done: the file is written before it counts."""
        return any(0 <= time.time_ns() - changed < _HALF_DONE for changed, _ in stamp.files)

    def _read_stamp(self) -> Stamp:
        """Cheap to read; changes whenever the store does, or the driver starts or ends."""
        store = self._folder.store
        files = []
        for path in (store, store.with_name(store.name + "-wal")):
            try:
                stat = path.stat()
                files.append((stat.st_mtime_ns, stat.st_size))
            except OSError:
                files.append((0, 0))
        return Stamp(tuple(files), is_held(self._folder.lock))

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
