"""Read-only queries for the pages: counts, one page of the trials' table, what changed.

Filtering and sorting are done in SQL, so ten thousand trials stay cheap.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, TypeVar

from annotate.json_value import JSON
from annotate.space import Values
from runtime.core.trial import Trial, TrialState
from runtime.store import database
from runtime.store.columns import LIVE, SORT_BY
from runtime.store.errors import decoded, translate_errors
from runtime.store.rows import trial_of

T = TypeVar("T")
_Parameters: TypeAlias = Sequence[JSON] | Mapping[str, JSON]

#: A trial's values as a table; empty if they contain nan, which SQLite's JSON refuses.
_VALUES = """json_each(CASE WHEN json_valid("values") THEN "values" ELSE '{}' END)"""

#: A number as strict JSON: nan, which SQLite stores as NULL, and infinities become strings.
_STRICT = (
    "CASE WHEN {0} IS NULL AND {1} THEN 'nan' WHEN {0} = 9e999 THEN 'inf'"
    " WHEN {0} = -9e999 THEN '-inf' ELSE {0} END"
)
_STRICT_COLUMNS = {
    "metric": _STRICT.format("metric", "final IS NOT NULL"),
    "last": _STRICT.format("last", "reports > 0"),
    "machine": "json_extract(place, '$.machine') AS machine",
}
_LIVE = ", ".join(_STRICT_COLUMNS.get(name, name) for name in LIVE)


@dataclass(frozen=True, slots=True)
class Condition:
    """`column` is one of SORT_BY or a parameter's key; operators: = != < <= > >= ~ (contains)."""

    column: str
    operator: str
    value: float | str


@dataclass(frozen=True, slots=True)
class Query:
    """One page of the table. `text` is searched in number, id, state, origin, reason and values.

    `now` (seconds since the epoch) is used for the duration of running trials.
    """

    text: str = ""
    states: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    sort: str = "number"
    descending: bool = False
    offset: int = 0
    limit: int = 50
    now: float = 0.0


class Reader:
    """Reads one experiment's file; not to be shared between threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = database.open_existing(path, write=False)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        self._db.close()

    def _all(
        self, decode: Callable[[sqlite3.Row], T], sql: str, parameters: _Parameters = ()
    ) -> list[T]:
        """The decoded rows of a query. Raises StoreError if they are damaged."""
        with translate_errors(self._path):
            rows = self._db.execute(sql, parameters).fetchall()
        return decoded(self._path, rows, decode)

    def states(self) -> dict[str, int]:
        """How many trials are in each state."""
        sql = "SELECT state, count(*) FROM trial GROUP BY state"
        return dict(self._all(lambda row: (TrialState(row[0]).value, int(row[1])), sql))

    def live_rows(self) -> list[list[JSON]]:
        """The LIVE columns of every trial, by number, in strict JSON."""
        return self._all(list, f"SELECT {_LIVE} FROM trial ORDER BY number")

    def top(self, count: int, *, maximize: bool) -> list[Trial]:
        """The trials with the best finite results; see `runtime.core.trial.best`."""
        stopped = TrialState.EARLY_STOPPED
        return self._top(TrialState.SUCCEEDED, "metric", count, maximize=maximize) or [
            replace(trial, metric=trial.last)
            for trial in self._top(stopped, "last", count, maximize=maximize)
        ]

    def _top(self, state: TrialState, column: str, count: int, *, maximize: bool) -> list[Trial]:
        return self._all(
            trial_of,
            f"SELECT * FROM trial WHERE state = ? AND abs({column}) < 9e999"
            f" ORDER BY {column} {'DESC' if maximize else 'ASC'}, number LIMIT ?",
            (state.value, count),
        )

    def table(self, query: Query) -> tuple[int, list[Trial]]:
        """The number of trials that match the query, and those on its page."""
        where, parameters = _where(query)
        count = f"SELECT count(*) FROM trial WHERE {where}"
        (total,) = self._all(lambda row: int(row[0]), count, parameters)
        rows = self._all(
            trial_of,
            f"SELECT * FROM trial WHERE {where} ORDER BY {_order(query)}"
            " LIMIT :limit OFFSET :offset",
            parameters | {"sort": query.sort, "limit": query.limit, "offset": query.offset},
        )
        return total, rows

    def trial(self, number: int | None = None, name: str | None = None) -> Trial | None:
        """The trial with this number, or with the id `name`."""
        sql = "SELECT * FROM trial WHERE number = ? OR id = ? LIMIT 1"
        return next(iter(self._all(trial_of, sql, (number, name))), None)

    def trials(self, first: int, count: int) -> list[Trial]:
        """Up to `count` trials, from number `first` on."""
        sql = "SELECT * FROM trial WHERE number >= ? ORDER BY number LIMIT ?"
        return self._all(trial_of, sql, (first, count))

    def values(self, trials: Sequence[int] = ()) -> list[tuple[int, Values]]:
        """(number, values) of these trials, or of every trial if none is named."""
        where = f"WHERE number IN ({', '.join('?' * len(trials))})" if trials else ""
        sql = f'SELECT number, "values" FROM trial {where} ORDER BY number'
        return self._all(lambda row: (row[0], json.loads(row[1])), sql, trials)

    def results(self) -> list[tuple[int, float, Values, float]]:
        """(number, ended, values, metric) of every trial with a finite result, by number."""
        return self._all(
            lambda row: (row[0], float(row[1]), json.loads(row[2]), float(row[3])),
            """SELECT number, ended, "values", metric FROM trial
            WHERE state = 'SUCCEEDED' AND abs(metric) < 9e999 ORDER BY number""",
        )

    def gpus(self, trials: Sequence[int]) -> dict[int, JSON]:
        """The GpuUse of these trials as JSON, or of every trial if none is named."""
        named = f" AND number IN ({', '.join('?' * len(trials))})" if trials else ""
        sql = f"SELECT number, gpu FROM trial WHERE gpu IS NOT NULL{named}"
        return dict(self._all(lambda row: (row[0], json.loads(row[1])), sql, trials))

    def final(self, number: int) -> JSON:
        """The trial's final result as reported."""
        sql = "SELECT final FROM trial WHERE number = ? AND final IS NOT NULL"
        return next(iter(self._all(lambda row: json.loads(row[0]), sql, (number,))), None)

    def reports(
        self, trials: Sequence[int], first: int = 0
    ) -> Iterable[tuple[int, int, JSON, float]]:
        """(trial, sequence, value, time) of the trials' reports, from sequence `first` on."""
        for number in trials:
            yield from self._all(
                lambda row: (row[0], row[1], json.loads(row[2]), float(row[3])),
                "SELECT trial, sequence, value, time FROM report"
                " WHERE trial = ? AND sequence >= ? ORDER BY sequence",
                (number, first),
            )


def _where(query: Query) -> tuple[str, dict[str, JSON]]:
    parts = ["1"]
    parameters: dict[str, JSON] = {"now": query.now}
    if query.states:
        names = {f"state{n}": state for n, state in enumerate(query.states)}
        parts.append(f"state IN ({', '.join(':' + name for name in names)})")
        parameters |= names
    if query.text:
        parts.append(
            "(CAST(number AS TEXT) = :text OR instr(lower(id), lower(:text))"
            " OR instr(lower(state), lower(:text)) OR instr(lower(origin), lower(:text))"
            " OR instr(lower(coalesce(reason, '')), lower(:text))"
            f" OR EXISTS (SELECT 1 FROM {_VALUES} v WHERE instr(lower(v.value), lower(:text))))"
        )
        parameters["text"] = query.text
    for n, condition in enumerate(query.conditions):
        parts.append(_condition(condition, n))
        parameters |= {f"column{n}": condition.column, f"value{n}": condition.value}
    return " AND ".join(parts), parameters


def _condition(condition: Condition, n: int) -> str:
    column = SORT_BY.get(condition.column)
    operand = column or f"(SELECT v.value FROM {_VALUES} v WHERE v.key = :column{n})"
    if condition.operator == "~":
        return f"instr(lower({operand}), lower(:value{n}))"
    assert condition.operator in ("=", "!=", "<", "<=", ">", ">=")
    numeric = "" if isinstance(condition.value, str) else f" AND typeof({operand}) <> 'text'"
    return f"({operand} {condition.operator} :value{n}{numeric})"


def _order(query: Query) -> str:
    column = SORT_BY.get(query.sort) or f"(SELECT v.value FROM {_VALUES} v WHERE v.key = :sort)"
    direction = "DESC" if query.descending else "ASC"
    return f"{column} IS NULL, {column} {direction}, number {direction}"
