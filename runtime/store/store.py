"""The store: one experiment, its trials and their reports."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

from annotate.json_value import JSON
from annotate.space import SearchSpace, Values
from runtime.core.trial import GpuUse, Observed, Report, Trial, TrialState, number
from runtime.store import checksums, database
from runtime.store.errors import RESTORE, StoreError, decoded, translate_errors
from runtime.store.history import KnownResult
from runtime.store.intact import Intact
from runtime.store.rows import ExperimentRow, experiment_of, known_result_of, trial_of
from runtime.store.syncer import Syncer

T = TypeVar("T")
_Parameters: TypeAlias = Sequence[JSON] | Mapping[str, JSON]

_END_TRIAL = (
    "UPDATE trial SET state = :state, ended = :ended, reason = :reason, told = :told, checksum = "
    + checksums.expression(state=":state", ended=":ended", reason=":reason")
    + " WHERE number = :number"
)


class Retry(Protocol):
    """Calls `attempt`, again if it raises StoreFull, and returns its result."""

    def __call__(self, attempt: Callable[[], T], /) -> T: ...


def _once(attempt: Callable[[], T], /) -> T:
    return attempt()


class Store:
    """One experiment's file. Each write method is one transaction.

    A committed change survives the death of this process. It survives a power failure once it is
    synced to the disk: before the method returns, or shortly after if `sync_in_background` was
    called. Only the driver opens the file for writing. Not to be shared between threads.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self._path = path
        self._syncer: Syncer | None = None
        self._retry: Retry = _once
        self._intact = Intact(path)

    @classmethod
    def create(cls, path: Path, row: ExperimentRow) -> Store:
        """Create the file, completely or not at all, and open it for writing.

        `path` must not exist.
        """
        new = path.with_name(path.name + ".new")
        with cls(database.create(new), new) as store:
            store._execute(
                "INSERT INTO experiment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    row.id,
                    row.name,
                    row.state,
                    row.reason,
                    json.dumps(row.config),
                    json.dumps(row.space.to_stored()),
                    row.created,
                    row.ended,
                    row.paused,
                ),
            )
        new.rename(path)
        return cls.open(path, write=True)

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Store:
        """Open the file; raises StoreError if it is missing, damaged, foreign or too new."""
        return cls(database.open_existing(path, write=write), path)

    def close(self) -> None:
        if self._syncer is not None:
            self._syncer.close()
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # Writing

    def sync_in_background(self) -> None:
        """Stop waiting for the disk: from now on a change is synced within about 50 ms."""
        log = Path(f"{self._path}-wal")
        if log.is_file():  # otherwise the file system allows no log, and SQLite syncs each change
            self._syncer = Syncer(log)

    def retry_with(self, retry: Retry) -> None:
        """Make every access through `retry`, which repeats it as long as it raises StoreFull."""
        self._retry = retry

    def check(self) -> None:
        """Raise StoreLost if the file was removed, replaced or truncated since it was opened.

        SQLite would keep writing to a file that nobody can open any more.
        """
        self._intact.check()

    def _write(self, change: Callable[[sqlite3.Connection], object]) -> None:
        """Make `change` in one transaction. Every write goes through here.

        Raises StoreFull if the disk is full and `retry_with` was not called, and StoreLost.
        """
        self.check()
        self._retry(lambda: self._commit(change))
        # Retried on its own: the change is committed and must not be made twice.
        self._retry(self._sync)

    def _commit(self, change: Callable[[sqlite3.Connection], object]) -> None:
        with translate_errors(self._path):
            try:
                change(self._db)
                self._db.commit()
            except BaseException:
                self._db.rollback()
                raise

    def _sync(self) -> None:
        if self._syncer is None:
            with translate_errors(self._path):
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        elif self._syncer.error is None:
            self._syncer.changed()
        else:
            error, self._syncer.error = self._syncer.error, None
            raise StoreError(f"{self._path} cannot be synced to the disk: {error.strerror}")

    def _execute(self, sql: str, parameters: _Parameters) -> None:
        self._write(lambda db: db.execute(sql, parameters))

    def _rows(self, sql: str, *parameters: JSON) -> list[sqlite3.Row]:
        def fetch() -> list[sqlite3.Row]:
            with translate_errors(self._path):
                return self._db.execute(sql, parameters).fetchall()

        return self._retry(fetch)

    def _decoded(self, decode: Callable[[sqlite3.Row], T], sql: str, *parameters: JSON) -> list[T]:
        return decoded(self._path, self._rows(sql, *parameters), decode)

    # The experiment

    def experiment(self) -> ExperimentRow:
        rows = self._decoded(experiment_of, "SELECT * FROM experiment")
        if len(rows) != 1:
            raise StoreError(f"{self._path} is damaged: it has no experiment", hint=RESTORE)
        return rows[0]

    def set_state(self, state: str, reason: str | None, ended: float | None) -> None:
        self._execute(
            "UPDATE experiment SET state = ?, reason = ?, ended = ?", (state, reason, ended)
        )

    def add_pause(self, now: float) -> None:
        """Count the time since the last trial as a pause: a driver takes over at `now`."""
        self._execute(
            "UPDATE experiment SET paused = paused + max(0, :now - coalesce("
            "(SELECT max(coalesce(ended, started)) FROM trial), :now))",
            {"now": now},
        )

    def set_config(self, config: dict[str, JSON]) -> None:
        """Replace the experiment's config."""
        self._execute("UPDATE experiment SET config = ?", (json.dumps(config),))

    def set_space(self, space: SearchSpace) -> None:
        """Replace the search space."""
        self._execute("UPDATE experiment SET space = ?", (json.dumps(space.to_stored()),))

    # Trials

    def add_trial(self, trial: Trial, *, asked: int | None = None) -> None:
        """Add a new trial. `asked` is the step in which the tuner proposed it, if it did."""
        self._execute(
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

    def start_trial(
        self, number: int, started: float, place: Mapping[str, JSON] | None = None
    ) -> None:
        """Mark the trial as running since `started`, on another machine if it has a `place`."""
        self._execute(
            "UPDATE trial SET state = ?, started = ?, place = ? WHERE number = ?",
            (TrialState.RUNNING.value, started, place and json.dumps(place), number),
        )

    def set_gpu(self, number: int, use: GpuUse | None) -> None:
        """Replace the record of the GPUs that the trial uses or waits for."""
        text = None if use is None else json.dumps(use.to_json())
        self._execute("UPDATE trial SET gpu = ? WHERE number = ?", (text, number))

    def set_reason(self, number: int, reason: str | None) -> None:
        """Set the reason why the trial is waiting."""
        self._execute("UPDATE trial SET reason = ? WHERE number = ?", (reason, number))

    def add_reports(self, trial: int, reports: Sequence[Report]) -> None:
        """Append reports in this order; the last final one becomes the trial's result."""
        self._write(lambda db: _add_reports(db, trial, reports))

    def add_observations(self, trial: int, observed: Observed) -> None:
        """Record what the trial did with its values; later observations replace earlier ones."""
        rows = [
            (trial, key, None if values is None else json.dumps(values))
            for key, values in observed.items()
        ]
        sql = (
            'INSERT INTO observation (trial, parameter, "values") VALUES (?, ?, ?) ON CONFLICT DO'
            ' UPDATE SET "values" = coalesce(excluded."values", "values")'
        )
        self._write(lambda db: db.executemany(sql, rows))

    def cut_reports(self, trial: Trial) -> None:
        """Delete the trial's result, and its reports beyond the first `trial.reports`."""

        def cut(db: sqlite3.Connection) -> None:
            db.execute(
                "DELETE FROM report WHERE trial = ? AND sequence >= ?",
                (trial.number, trial.reports),
            )
            db.execute(
                "UPDATE trial SET final = NULL, metric = NULL, finals = 0, reports = ?, last = ?"
                " WHERE number = ?",
                (trial.reports, _null_if_nan(trial.last), trial.number),
            )

        self._write(cut)

    def set_values(self, number: int, values: Values) -> None:
        """Replace the trial's values, once a baseline has reported the script's own."""
        self._execute(
            'UPDATE trial SET "values" = ? WHERE number = ?', (json.dumps(values), number)
        )

    def end_trial(self, trial: Trial, *, told: int | None = None) -> None:
        """Store how the trial ended. `told` is the step in which the tuner receives its result."""
        self._execute(
            _END_TRIAL,
            {
                "state": trial.state.value,
                "ended": trial.ended,
                "reason": trial.reason,
                "told": told,
                "number": trial.number,
            },
        )

    def restart_trial(self, number: int, retries: int = 0) -> None:
        """Delete the trial's reports and result, so that it runs again from the beginning."""

        def restart(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM report WHERE trial = ?", (number,))
            db.execute(
                "UPDATE trial SET state = ?, final = NULL, metric = NULL, finals = 0, reports = 0,"
                " last = NULL, started = NULL, ended = NULL, reason = NULL, checksum = NULL,"
                " retries = ?"
                " WHERE number = ?",
                (TrialState.WAITING.value, retries, number),
            )

        self._write(restart)

    def trials(self) -> list[Trial]:
        """Every trial, by number."""
        return self._decoded(trial_of, "SELECT * FROM trial ORDER BY number")

    def observations(self) -> dict[int, dict[str, list[JSON] | None]]:
        """What trials did with the parameters that they used, by trial; see Observed."""
        observations: dict[int, dict[str, list[JSON] | None]] = {}
        sql = 'SELECT trial, parameter, "values" FROM observation ORDER BY trial, parameter'
        for trial, key, values in self._decoded(lambda r: (*r[:2], r[2] and json.loads(r[2])), sql):
            observations.setdefault(trial, {})[key] = values
        return observations

    def count_trials(self) -> int:
        ((count,),) = self._rows("SELECT count(*) FROM trial")
        return int(count)

    def steps(self) -> list[tuple[int, str, int]]:
        """Every call of the tuner, in order: (step, call, number).

        `call` is "ask" or "tell" with a trial's number, or "learn" with the number of a known
        result (see `history`).
        """
        rows = self._rows(
            "SELECT asked AS step, 'ask' AS call, number FROM trial WHERE asked IS NOT NULL"
            " UNION ALL SELECT told, 'tell', number FROM trial WHERE told IS NOT NULL"
            " UNION ALL SELECT told, 'learn', number FROM history WHERE told IS NOT NULL"
            " ORDER BY step"
        )
        return [(row["step"], row["call"], row["number"]) for row in rows]

    # Results of other experiments or files

    def add_history(self, results: Iterable[KnownResult]) -> None:
        """Add known results for the tuner to learn from."""
        rows = [(json.dumps(r.values), r.metric, r.source, r.told) for r in results]
        sql = 'INSERT INTO history ("values", metric, source, told) VALUES (?, ?, ?, ?)'
        self._write(lambda db: db.executemany(sql, rows))

    def tell_history(self, told: Iterable[tuple[int, int]]) -> None:
        """Record known results that the tuner received: the number of each, and the step."""
        rows = [(step, number) for number, step in told]
        sql = "UPDATE history SET told = ? WHERE number = ?"
        self._write(lambda db: db.executemany(sql, rows))

    def history(self) -> list[KnownResult]:
        """Every known result, in the order in which they were added."""
        return self._decoded(known_result_of, "SELECT * FROM history ORDER BY number")

    def reports(self, trial: int) -> Iterator[JSON]:
        """The trial's intermediate results, in the order reported."""
        sql = "SELECT value FROM report WHERE trial = ? ORDER BY sequence"
        return iter(self._decoded(lambda row: json.loads(row["value"]), sql, trial))

    def curves(self) -> dict[int, list[JSON]]:
        """The intermediate results of every trial that has any, by trial number."""
        curves: dict[int, list[JSON]] = {}
        sql = "SELECT trial, value FROM report ORDER BY trial, sequence"
        for trial, value in self._decoded(lambda row: (row[0], json.loads(row[1])), sql):
            curves.setdefault(trial, []).append(value)
        return curves


def _add_reports(db: sqlite3.Connection, trial: int, reports: Iterable[Report]) -> None:
    (count,) = db.execute("SELECT reports FROM trial WHERE number = ?", (trial,)).fetchone()
    rows: list[tuple[int, int, str, float]] = []
    for report in reports:
        if report.kind == "final":
            db.execute(
                "UPDATE trial SET final = ?, metric = ?, finals = finals + 1 WHERE number = ?",
                (json.dumps(report.value), _null_if_nan(report.number), trial),
            )
        else:
            rows.append((trial, count + len(rows), json.dumps(report.value), report.time))
    if rows:
        db.executemany("INSERT INTO report VALUES (?, ?, ?, ?)", rows)
        last = number(json.loads(rows[-1][2]))
        db.execute(
            "UPDATE trial SET reports = ?, last = ? WHERE number = ?",
            (count + len(rows), _null_if_nan(last), trial),
        )


def _null_if_nan(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value
