"""What people want of a running experiment: rows that faces write and its driver takes.

They lie in a file of their own beside the store, which the driver alone writes.
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
from runtime.system.lock import is_held

_EVERY = 0.1  # seconds between two looks at the file
_STARTING = 20.0  # seconds that a driver may take from its lock to its first trial
_SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
    number    INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL,
    arguments TEXT NOT NULL,  -- JSON
    ok        INTEGER,        -- NULL until it is answered
    answer    TEXT
)
"""

#: What can be asked for, and by which arguments.
KINDS = {
    "stop": (),
    "kill": ("trial",),  # its number
    "concurrency": ("value",),
    "duration": ("seconds",),  # from the beginning of the driver's run; None for no limit
    "trials": ("value",),  # how many in all; None for no limit
    "space": ("space",),  # as NNI's JSON
    "enqueue": ("values",),  # from whole key to value
    "import": ("results",),  # a list of {"parameter": values, "value": metric}
}


#: Requests that change a setting of Config: the setting, and the argument with its new value.
_SETTINGS = {
    "concurrency": ("concurrency", "value"),
    "duration": ("max_duration", "seconds"),
    "trials": ("max_trials", "value"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One row; `arguments` are those of its kind."""

    number: int
    kind: str
    arguments: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the driver did it, and a sentence for the person who asked."""

    ok: bool
    text: str


def ask(folder: ExperimentFolder, kind: str, *, timeout: float = 10.0, **arguments: JSON) -> str:
    """Have the driver do something, and return what it says.

    Raises AnnotateError where no driver runs, where it refuses, and where it says nothing within
    `timeout` seconds.
    """
    number = send(folder, kind, **arguments)
    said = answer(folder, number, timeout)
    if said is None:
        raise AnnotateError(
            f"experiment {folder.id} has not answered within {timeout:g} s",
            hint=f"it will see the request when it can; its log is {folder.log}",
        )
    if not said.ok:
        raise AnnotateError(said.text)
    return said.text


def send(folder: ExperimentFolder, kind: str, **arguments: JSON) -> int:
    """Leave a request and return its number; raises AnnotateError where no driver would take it."""
    if set(arguments) != set(KINDS[kind]):
        raise TypeError(f"{kind} takes {KINDS[kind]}, not {tuple(arguments)}")
    arguments = checked(kind, arguments)
    if not _takes(folder):
        raise AnnotateError(
            f"experiment {folder.id} does not run",
            hint=f"annotate resume {folder.id} goes on with one that was interrupted",
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
    """The arguments, a setting as Config has it: a text such as `1h` becomes seconds.

    Raises AnnotateError for a value that the setting does not allow.
    """
    if kind not in _SETTINGS:
        return arguments
    name, argument = _SETTINGS[kind]
    option, value = OPTIONS[name], arguments[argument]
    if value is None and option.default is None:
        return arguments
    return {argument: option.load(value, option.flags[0].lstrip("-"))}


def _takes(folder: ExperimentFolder) -> bool:
    """Whether a driver takes requests; one that is just starting is waited for."""
    until = time.monotonic() + _STARTING
    while is_held(folder.lock):
        with suppress(FileNotFoundError):
            if folder.requests.stat().st_size:  # there is a table
                return True
        if time.monotonic() > until:
            break
        time.sleep(_EVERY / 4)
    return False


def answer(folder: ExperimentFolder, number: int, timeout: float) -> Answer | None:
    """What the driver says to a request; None where it says nothing within `timeout` seconds."""
    until = time.monotonic() + timeout
    with closing(_connect(folder.requests)) as db:
        while True:
            row = db.execute("SELECT ok, answer FROM request WHERE number = ?", (number,))
            ok, text = row.fetchone()
            if ok is not None:
                return Answer(bool(ok), text)
            if time.monotonic() >= until:
                return None
            time.sleep(_EVERY / 4)


class Requests:
    """The driver's side: new rows go to `post`, from a thread of its own, until `close`."""

    def __init__(self, path: Path, post: Callable[[Request], None]) -> None:
        self._path = path
        self._post = post
        self._db = _connect(path, "rwc")
        with self._db:
            self._db.execute(_SCHEMA)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="requests", daemon=True)
        self._thread.start()

    def answer(self, request: Request, said: Answer) -> None:
        """Tell whoever asked; by the thread that made this."""
        with self._db:
            self._db.execute(
                "UPDATE request SET ok = ?, answer = ? WHERE number = ?",
                (said.ok, said.text, request.number),
            )

    def refuse_rest(self, why: str) -> None:
        """Answer whatever nobody has answered."""
        with self._db:
            self._db.execute("UPDATE request SET ok = 0, answer = ? WHERE ok IS NULL", (why,))

    def close(self) -> None:
        """Take no more; what is not answered yet is refused."""
        self._end.set()
        self._thread.join()
        self.refuse_rest("the experiment has ended")
        self._db.close()

    def _follow(self) -> None:
        last, seen = 0, -1
        with closing(_connect(self._path)) as db:
            while not self._end.wait(_EVERY):
                changed = os.stat(self._path).st_mtime_ns  # noqa: PTH116  ten times a second
                if changed == seen:
                    continue
                seen = changed
                rows = db.execute(
                    "SELECT number, kind, arguments FROM request WHERE number > ? ORDER BY number",
                    (last,),
                ).fetchall()
                for number, kind, arguments in rows:
                    last = number
                    self._post(Request(number, kind, json.loads(arguments)))


def _connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=30)
