"""The store in the words of the house: an experiment, its trials, their reports."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from annotate.json_value import JSON
from annotate.space import SearchSpace, Values
from runtime.core.trial import GpuUse, Origin, Report, Trial, TrialState, number
from runtime.store import checksums, database
from runtime.store.errors import StoreError, StoreFull, plainly
from runtime.store.history import Known
from runtime.store.syncer import Syncer

__all__ = ["ExperimentRow", "Store", "StoreError", "StoreFull"]

_ENDED = (
    "UPDATE trial SET state = :state, ended = :ended, reason = :reason, told = :told, checksum = "
    + checksums.expression(state=":state", ended=":ended", reason=":reason")
    + " WHERE number = :number"
)


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    """What an experiment is; `config` as runtime.core.config wrote it, times in seconds."""

    id: str
    name: str
    state: str
    reason: str | None
    config: dict[str, JSON]
    space: SearchSpace
    created: float
    ended: float | None


class Store:
    """One experiment's file. Each change of a state is a transaction of its own.

    A change that was made is there when this process dies. Against the machine's own death it is
    synced to the disk: before the call returns, or soon after it once `sync_behind` was called.
    The driver opens it for writing; everybody else reads. Not to be shared between threads.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self._path = path
        self._syncer: Syncer | None = None

    @classmethod
    def create(cls, path: Path, row: ExperimentRow) -> Store:
        """Make the file, whole or not at all; it must not exist. Open for writing."""
        new = path.with_name(path.name + ".new")
        with cls(database.create(new), new) as store, store._change() as db:
            db.execute(
                "INSERT INTO experiment VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    row.id,
                    row.name,
                    row.state,
                    row.reason,
                    json.dumps(row.config),
                    json.dumps(row.space.to_json()),
                    row.created,
                    row.ended,
                ),
            )
        new.rename(path)
        return cls.open(path, write=True)

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Store:
        """Open the file; raises StoreError where there is none that we can read."""
        return cls(database.open_existing(path, write=write), path)

    def close(self) -> None:
        if self._syncer is not None:
            self._syncer.close()
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # Keeping

    def sync_behind(self) -> None:
        """From now on no change waits for the disk; each reaches it within 50 ms and a sync."""
        log = Path(f"{self._path}-wal")
        if log.is_file():  # else the file system knows no log, and SQLite syncs each change
            self._syncer = Syncer(log)

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """A transaction; raises StoreFull where the disk has no room for it."""
        with plainly(self._path):
            try:
                yield self._db
                self._db.commit()
            except BaseException:
                self._db.rollback()
                raise
            self._sync()

    def _sync(self) -> None:
        if self._syncer is None:
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        elif self._syncer.error is None:
            self._syncer.changed()
        else:
            error, self._syncer.error = self._syncer.error, None
            raise StoreError(f"{self._path} does not reach the disk: {error.strerror}")

    def _rows(self, sql: str, *given: JSON) -> list[sqlite3.Row]:
        with plainly(self._path):
            return self._db.execute(sql, given).fetchall()

    # The experiment

    def experiment(self) -> ExperimentRow:
        (row,) = self._rows("SELECT * FROM experiment")
        return ExperimentRow(
            row["id"],
            row["name"],
            row["state"],
            row["reason"],
            json.loads(row["config"]),
            SearchSpace.from_json(json.loads(row["space"])),
            row["created"],
            row["ended"],
        )

    def set_state(self, state: str, reason: str | None, ended: float | None) -> None:
        with self._change() as db:
            db.execute(
                "UPDATE experiment SET state = ?, reason = ?, ended = ?", (state, reason, ended)
            )

    def set_config(self, config: dict[str, JSON]) -> None:
        """What the experiment is asked to do from now on."""
        with self._change() as db:
            db.execute("UPDATE experiment SET config = ?", (json.dumps(config),))

    def set_space(self, space: SearchSpace) -> None:
        """What is searched from now on."""
        with self._change() as db:
            db.execute("UPDATE experiment SET space = ?", (json.dumps(space.to_json()),))

    # Trials

    def add_trial(self, trial: Trial, *, asked: int | None = None) -> None:
        """Keep a new trial; `asked` is its step where the tuner gave its values."""
        with self._change() as db:
            db.execute(
                'INSERT INTO trial (number, id, origin, state, "values", created, asked)'
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    trial.number,
                    trial.id,
                    trial.origin.value,
                    trial.state.value,
                    json.dumps(trial.values),
                    trial.created,
                    asked,
                ),
            )

    def start_trial(self, number: int, started: float) -> None:
        with self._change() as db:
            db.execute(
                "UPDATE trial SET state = ?, started = ? WHERE number = ?",
                (TrialState.RUNNING.value, started, number),
            )

    def set_gpu(self, number: int, use: GpuUse | None) -> None:
        """What a trial has of GPUs, or waits for."""
        with self._change() as db:
            words = None if use is None else json.dumps(use.to_json())
            db.execute("UPDATE trial SET gpu = ? WHERE number = ?", (words, number))

    def set_reason(self, number: int, reason: str | None) -> None:
        """Why a trial waits."""
        with self._change() as db:
            db.execute("UPDATE trial SET reason = ? WHERE number = ?", (reason, number))

    def add_reports(self, trial: int, reports: Iterable[Report]) -> None:
        """Keep reports in the order given; the last final one is the trial's result."""
        with self._change() as db:
            (count,) = db.execute("SELECT reports FROM trial WHERE number = ?", (trial,)).fetchone()
            rows: list[tuple[int, int, str, float]] = []
            for report in reports:
                if report.kind == "final":
                    self._set_final(db, trial, report)
                else:
                    rows.append((trial, count + len(rows), json.dumps(report.value), report.time))
            if rows:
                db.executemany("INSERT INTO report VALUES (?, ?, ?, ?)", rows)
                db.execute(
                    "UPDATE trial SET reports = ?, last = ? WHERE number = ?",
                    (count + len(rows), _real(number(json.loads(rows[-1][2]))), trial),
                )

    @staticmethod
    def _set_final(db: sqlite3.Connection, trial: int, report: Report) -> None:
        db.execute(
            "UPDATE trial SET final = ?, metric = ? WHERE number = ?",
            (json.dumps(report.value), _real(report.number), trial),
        )

    def set_values(self, number: int, values: Values) -> None:
        """What a baseline's places gave."""
        with self._change() as db:
            db.execute(
                'UPDATE trial SET "values" = ? WHERE number = ?', (json.dumps(values), number)
            )

    def end_trial(self, trial: Trial, *, told: int | None = None) -> None:
        """Keep how a trial ended; `told` is the step in which the tuner learns of it."""
        with self._change() as db:
            db.execute(
                _ENDED,
                {
                    "state": trial.state.value,
                    "ended": trial.ended,
                    "reason": trial.reason,
                    "told": told,
                    "number": trial.number,
                },
            )

    def restart_trial(self, number: int, retries: int = 0) -> None:
        """Forget what a trial reported: it is run again from the beginning."""
        with self._change() as db:
            db.execute("DELETE FROM report WHERE trial = ?", (number,))
            db.execute(
                "UPDATE trial SET state = ?, final = NULL, metric = NULL, reports = 0, last = NULL,"
                " started = NULL, ended = NULL, reason = NULL, checksum = NULL, retries = ?"
                " WHERE number = ?",
                (TrialState.WAITING.value, retries, number),
            )

    def trials(self) -> list[Trial]:
        """Every trial, by number."""
        return [trial_of(row) for row in self._rows("SELECT * FROM trial ORDER BY number")]

    def count_trials(self) -> int:
        ((count,),) = self._rows("SELECT count(*) FROM trial")
        return int(count)

    def steps(self) -> list[tuple[int, str, int]]:
        """What the tuner was asked and told, in that order: (step, what, number).

        `what` is "ask" or "tell" with a trial's number, or "learn" with that of a result from
        elsewhere.
        """
        rows = self._rows(
            "SELECT asked AS step, 'ask' AS what, number FROM trial WHERE asked IS NOT NULL"
            " UNION ALL SELECT told, 'tell', number FROM trial WHERE told IS NOT NULL"
            " UNION ALL SELECT told, 'learn', number FROM history WHERE told IS NOT NULL"
            " ORDER BY step"
        )
        return [(row["step"], row["what"], row["number"]) for row in rows]

    # Results from elsewhere

    def add_history(self, known: Known) -> None:
        with self._change() as db:
            db.execute(
                'INSERT INTO history ("values", metric, source, told) VALUES (?, ?, ?, ?)',
                (json.dumps(known.values), known.metric, known.source, known.told),
            )

    def tell_history(self, number: int, told: int) -> None:
        """The tuner learned of a result from elsewhere in the step `told`."""
        with self._change() as db:
            db.execute("UPDATE history SET told = ? WHERE number = ?", (told, number))

    def history(self) -> list[Known]:
        rows = self._rows("SELECT * FROM history ORDER BY number")
        return [
            Known(
                json.loads(row["values"]), row["metric"], row["source"], row["number"], row["told"]
            )
            for row in rows
        ]

    def reports(self, trial: int) -> Iterator[JSON]:
        """The trial's intermediate results as reported, in order."""
        rows = self._rows("SELECT value FROM report WHERE trial = ? ORDER BY sequence", trial)
        return (json.loads(row["value"]) for row in rows)

    def curves(self) -> dict[int, list[JSON]]:
        """The intermediate results of all trials that have any, by the trial's number."""
        curves: dict[int, list[JSON]] = {}
        for row in self._rows("SELECT trial, value FROM report ORDER BY trial, sequence"):
            curves.setdefault(row["trial"], []).append(json.loads(row["value"]))
        return curves


def _real(value: float) -> float | None:
    return None if math.isnan(value) else value


def trial_of(row: sqlite3.Row) -> Trial:
    """A row of the table `trial` in the words of the house."""
    final = row["final"]
    return Trial(
        number=row["number"],
        id=row["id"],
        origin=Origin(row["origin"]),
        state=TrialState(row["state"]),
        values=json.loads(row["values"]),
        metric=None if final is None else number(json.loads(final)),
        reports=row["reports"],
        last=row["last"],
        created=row["created"],
        started=row["started"],
        ended=row["ended"],
        reason=row["reason"],
        gpu=None if row["gpu"] is None else GpuUse.from_json(json.loads(row["gpu"])),
        retries=row["retries"],
    )
