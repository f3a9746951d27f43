"""Requests to a running experiment: rows that the CLI and pages write and its driver handles.

They have their own SQLite file beside the store, which only the driver writes.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.core.config import OPTIONS
from runtime.core.paths import ExperimentFolder
from runtime.system.file_wait import FileWait
from runtime.system.lock import is_held

_INTERVAL = 0.1  # seconds between two checks of a file whose changes the system does not tell
_START_LIMIT = 20.0  # seconds that a driver may take from its lock to its requests file
_SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
    number    INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL,
    arguments TEXT NOT NULL,  -- JSON
    ok        INTEGER,        -- NULL until answered
    answer    TEXT            -- before that: what it waits for
)
"""
_REFUSE = "UPDATE request SET ok = 0, answer = 'the experiment has ended' WHERE ok IS NULL"
#: Refuses every request without an answer, and each later one, without a gap in between.
_REFUSE_ALL = f"""
BEGIN IMMEDIATE;
{_REFUSE};
CREATE TRIGGER IF NOT EXISTS ended AFTER INSERT ON request BEGIN {_REFUSE}; END;
COMMIT;
"""

#: Each kind of request and its arguments.
KINDS = {
    "stop": (),
    "kill": ("trial",),  # the trial's number
    "concurrency": ("value",),
    "duration": ("seconds",),  # counted from the start of the driver; None for no limit
    "trials": ("value",),  # total number of trials; None for no limit
    "space": ("space",),  # NNI's search space JSON
    "enqueue": ("values",),  # parameter's full key -> value
    "import": ("results",),  # a list of {"parameter": values, "value": metric}
}


#: Requests that change a setting of Config: the setting, and the argument with its new value.
SETTINGS = {
    "concurrency": ("concurrency", "value"),
    "duration": ("max_duration", "seconds"),
    "trials": ("max_trials", "value"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `arguments` has the names in KINDS[kind]."""

    number: int
    kind: str
    arguments: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the driver carried the request out, and a sentence for the user."""

    ok: bool
    text: str


def ask(folder: ExperimentFolder, kind: str, *, timeout: float = 10.0, **arguments: JSON) -> str:
    """Send a request and return the `outcome`; raises AnnotateError as `send` and `outcome` do."""
    return outcome(folder, send(folder, kind, **arguments), timeout)


def outcome(folder: ExperimentFolder, number: int, timeout: float) -> str:
    """The text of the driver's answer to a request.

    If the driver has accepted the request but not carried it out within `timeout` seconds, the
    text says what it waits for. Raises AnnotateError if the driver refuses the request or does
    not react to it within `timeout`.
    """
    reply = answer(folder, number, timeout)
    if reply is not None and not reply.ok:
        raise AnnotateError(reply.text)
    text = _pending(folder, number) if reply is None else reply.text
    if not text:
        raise AnnotateError(
            f"experiment {folder.id} did not answer within {timeout:g} s",
            hint=f"it may still handle the request; see its log, {folder.log}",
        )
    return text


def send(folder: ExperimentFolder, kind: str, **arguments: JSON) -> int:
    """Write a request and return its number; raises AnnotateError if no driver is running."""
    if set(arguments) != set(KINDS[kind]):
        raise TypeError(f"{kind} takes {KINDS[kind]}, not {tuple(arguments)}")
    arguments = checked(kind, arguments)
    if not _is_served(folder):
        raise AnnotateError(
            f"experiment {folder.id} is not running",
            hint=f"annotate resume {folder.id} continues an interrupted experiment",
        )
    try:
        with closing(_connect(folder.requests)) as db, db:
            added = db.execute(
                "INSERT INTO request (kind, arguments) VALUES (?, ?)", (kind, json.dumps(arguments))
            )
            return int(added.lastrowid or 0)
    except sqlite3.Error as error:
        raise AnnotateError(f"{folder.requests} cannot be written: {error}") from None


def checked(kind: str, arguments: dict[str, JSON]) -> dict[str, JSON]:
    """Convert a setting's value as Config does, for example `1h` to seconds.

    Raises AnnotateError if the setting does not allow the value.
    """
    if kind not in SETTINGS:
        return arguments
    name, argument = SETTINGS[kind]
    option, value = OPTIONS[name], arguments[argument]
    if value is None and option.default is None:
        return arguments
    return {argument: option.load(value, option.flags[0].lstrip("-"))}


def _is_served(folder: ExperimentFolder) -> bool:
    """Whether a driver handles requests. Waits for a driver that is just starting."""
    deadline = time.monotonic() + _START_LIMIT
    while is_held(folder.lock):
        with suppress(FileNotFoundError):
            if folder.requests.stat().st_size:  # the driver has created the table
                return True
        if time.monotonic() > deadline:
            break
        time.sleep(_INTERVAL / 4)
    return False


def answer(folder: ExperimentFolder, number: int, timeout: float) -> Answer | None:
    """The driver's answer to a request; None if there is none within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    with closing(_connect(folder.requests)) as db:
        while True:
            row = db.execute("SELECT ok, answer FROM request WHERE number = ?", (number,))
            ok, text = row.fetchone()
            if ok is not None:
                return Answer(bool(ok), text)
            if time.monotonic() >= deadline:
                return None
            time.sleep(_INTERVAL / 4)


def _pending(folder: ExperimentFolder, number: int) -> str:
    """What an accepted request waits for; "" if the driver has not accepted it."""
    with closing(_connect(folder.requests)) as db:
        row = db.execute("SELECT answer FROM request WHERE number = ?", (number,)).fetchone()
    return row[0] or ""


class Requests:
    """The driver's side: passes each new request to `post`, from its own thread, until `close`.

    The file is created again if something removes it.
    """

    def __init__(self, path: Path, post: Callable[[Request], None]) -> None:
        self._path = path
        self._post = post
        self._create()
        self._file = FileWait(path, _INTERVAL)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="requests", daemon=True)
        self._thread.start()

    def accept(self, request: Request, pending: str) -> None:
        """Store what a request waits for; the answer comes later."""
        self._update("answer = ? WHERE ok IS NULL AND number = ?", pending, request.number)

    def answer(self, request: Request, reply: Answer) -> None:
        """Answer a request."""
        self._update(
            "ok = ?, answer = ? WHERE ok IS NULL AND number = ?",
            *(reply.ok, reply.text, request.number),
        )

    def pause(self) -> None:
        """Stop reading requests; those without an answer wait for the next reader."""
        if not self._end.is_set():
            self._end.set()
            self._file.wake()
            self._thread.join()
            self._file.close()

    def close(self) -> None:
        """Stop reading requests; refuse those without an answer, and all that are sent later."""
        self.pause()
        with suppress(sqlite3.Error), closing(_connect(self._path)) as db:
            db.executescript(_REFUSE_ALL)

    def _create(self) -> None:
        try:
            with closing(_connect(self._path, "rwc")) as db, db:
                db.execute(_SCHEMA)
        except sqlite3.Error as error:
            raise AnnotateError(f"{self._path} cannot be written: {error}") from None

    def _update(self, change: str, *parameters: JSON) -> None:
        # The requester waits only for a limited time, and the experiment's folder may be gone.
        with suppress(sqlite3.Error), closing(_connect(self._path)) as db, db:
            db.execute(f"UPDATE request SET {change}", parameters)

    def _follow(self) -> None:
        self._last, self._seen = 0, (-1, -1)
        notified = False
        while not self._end.is_set():
            failed = True
            with suppress(AnnotateError, OSError, sqlite3.Error, ValueError):
                self._read(notified=notified)
                failed = False
            notified = self._file.wait(retry=failed) or failed

    def _read(self, *, notified: bool) -> None:
        """Post the new requests if the file has changed, or the system says so."""
        now = self._stat()
        if now == self._seen and not notified:
            return
        if now[0] != self._seen[0]:
            self._last = 0  # another file, whose requests are numbered from 1 again
        for request in self._after(self._last):
            self._last = request.number
            self._post(request)
        self._seen = now

    def _stat(self) -> tuple[int, int]:
        """The inode and the modification time, which change whenever the file does."""
        if not self._path.exists():
            self._create()
        self._file.begin()
        status = os.stat(self._path)  # noqa: PTH116  ten times a second on some systems
        return status.st_ino, status.st_mtime_ns

    def _after(self, last: int) -> list[Request]:
        sql = (
            "SELECT number, kind, arguments FROM request WHERE number > ? AND ok IS NULL"
            " ORDER BY number"
        )
        with closing(_connect(self._path)) as db:
            rows = db.execute(sql, (last,)).fetchall()
        return [Request(number, kind, json.loads(arguments)) for number, kind, arguments in rows]


def _connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=30)
