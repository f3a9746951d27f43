"""What the pages ask of an experiment's file: counts, pages of a table, what changes.

All of it is done in SQL, so that ten thousand trials cost little; nothing is ever written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotate.json_value import JSON
from annotate.space import Values
from runtime.core.trial import Trial
from runtime.store import database
from runtime.store.store import trial_of

#: What a table can be sorted by; anything else is a parameter's key.
COLUMNS = {
    "number": "number",
    "id": "id",
    "state": "state",
    "origin": "origin",
    "metric": "metric",
    "reports": "reports",
    "created": "created",
    "started": "started",
    "ended": "ended",
    "seconds": "coalesce(ended, :now) - started",
}

#: A trial's values as a table; those with nan in them are no JSON that SQLite reads.
_VALUES = """json_each(CASE WHEN json_valid("values") THEN "values" ELSE '{}' END)"""

#: What a chart knows of a trial, and what is compared to see whether it has changed.
BRIEF = (
    "number, id, state, origin, metric, final IS NULL, reports, last, created, started, ended,"
    " reason"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """`what` is a column or a parameter's key; the operators are = != < <= > >= ~ (contains)."""

    what: str
    operator: str
    value: float | str


@dataclass(frozen=True, slots=True)
class Query:
    """A page of the table. `text` is looked for in the number, id, state and values."""

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
        self._db = database.open_existing(path, write=False)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        self._db.close()

    def states(self) -> dict[str, int]:
        """How many trials are in each state."""
        rows = self._db.execute("SELECT state, count(*) FROM trial GROUP BY state")
        return {row[0]: row[1] for row in rows}

    def briefs(self) -> list[tuple[JSON, ...]]:
        """Every trial by number, as BRIEF has it."""
        return [tuple(r) for r in self._db.execute(f"SELECT {BRIEF} FROM trial ORDER BY number")]

    def top(self, count: int, *, maximize: bool) -> list[Trial]:
        """The trials with the best finite results."""
        rows = self._db.execute(
            "SELECT * FROM trial WHERE state = 'SUCCEEDED' AND abs(metric) < 9e999"
            f" ORDER BY metric {'DESC' if maximize else 'ASC'}, number LIMIT ?",
            (count,),
        )
        return [trial_of(row) for row in rows]

    def table(self, query: Query) -> tuple[int, list[Trial]]:
        """How many trials the query means, and those on its page."""
        where, given = _where(query)
        (total,) = self._db.execute(f"SELECT count(*) FROM trial WHERE {where}", given).fetchone()
        rows = self._db.execute(
            f"SELECT * FROM trial WHERE {where} ORDER BY {_order(query)}"
            " LIMIT :limit OFFSET :offset",
            given | {"sort": query.sort, "limit": query.limit, "offset": query.offset},
        )
        return int(total), [trial_of(row) for row in rows]

    def trial(self, number: int | None = None, name: str | None = None) -> Trial | None:
        """The trial of that number, or of that id."""
        row = self._db.execute(
            "SELECT * FROM trial WHERE number = ? OR id = ?", (number, name)
        ).fetchone()
        return row and trial_of(row)

    def trials(self, first: int, count: int) -> list[Trial]:
        """So many trials from the number `first` on."""
        rows = self._db.execute(
            "SELECT * FROM trial WHERE number >= ? ORDER BY number LIMIT ?", (first, count)
        )
        return [trial_of(row) for row in rows]

    def values(self, trials: Sequence[int] = ()) -> list[tuple[int, Values]]:
        """(number, values) of these trials; of every trial where none is named."""
        where = f"WHERE number IN ({', '.join('?' * len(trials))})" if trials else ""
        rows = self._db.execute(
            f'SELECT number, "values" FROM trial {where} ORDER BY number', trials
        )
        return [(row[0], json.loads(row[1])) for row in rows]

    def results(self) -> list[tuple[int, float, Values, float]]:
        """(number, ended, values, metric) of the trials with a finite result, by number."""
        rows = self._db.execute(
            """SELECT number, ended, "values", metric FROM trial
            WHERE state = 'SUCCEEDED' AND abs(metric) < 9e999 ORDER BY number"""
        )
        return [(row[0], row[1], json.loads(row[2]), row[3]) for row in rows]

    def gpus(self, trials: Sequence[int]) -> dict[int, JSON]:
        """What trials have or had of GPUs, as GpuUse writes it; of all where none is named."""
        some = f" AND number IN ({', '.join('?' * len(trials))})" if trials else ""
        rows = self._db.execute(
            f"SELECT number, gpu FROM trial WHERE gpu IS NOT NULL{some}", tuple(trials)
        )
        return {row[0]: json.loads(row[1]) for row in rows}

    def final(self, number: int) -> JSON:
        """The trial's final result as reported."""
        row = self._db.execute("SELECT final FROM trial WHERE number = ?", (number,)).fetchone()
        return None if row is None or row[0] is None else json.loads(row[0])

    def reports(
        self, trials: Sequence[int], first: int = 0
    ) -> Iterable[tuple[int, int, JSON, float]]:
        """(trial, sequence, value, time) of the trials' reports from the sequence `first` on."""
        for number in trials:
            rows = self._db.execute(
                "SELECT sequence, value, time FROM report WHERE trial = ? AND sequence >= ?"
                " ORDER BY sequence",
                (number, first),
            )
            yield from ((number, row[0], json.loads(row[1]), row[2]) for row in rows)


def _where(query: Query) -> tuple[str, dict[str, JSON]]:
    parts = ["1"]
    given: dict[str, JSON] = {"now": query.now}
    if query.states:
        names = {f"state{n}": state for n, state in enumerate(query.states)}
        parts.append(f"state IN ({', '.join(':' + name for name in names)})")
        given |= names
    if query.text:
        parts.append(
            "(CAST(number AS TEXT) = :text OR instr(lower(id), lower(:text))"
            " OR instr(lower(state), lower(:text)) OR instr(lower(origin), lower(:text))"
            " OR instr(lower(coalesce(reason, '')), lower(:text))"
            f" OR EXISTS (SELECT 1 FROM {_VALUES} v WHERE instr(lower(v.value), lower(:text))))"
        )
        given["text"] = query.text
    for n, condition in enumerate(query.conditions):
        parts.append(_condition(condition, n))
        given |= {f"what{n}": condition.what, f"value{n}": condition.value}
    return " AND ".join(parts), given


def _condition(condition: Condition, n: int) -> str:
    column = COLUMNS.get(condition.what)
    left = column or f"(SELECT v.value FROM {_VALUES} v WHERE v.key = :what{n})"
    if condition.operator == "~":
        return f"instr(lower({left}), lower(:value{n}))"
    assert condition.operator in ("=", "!=", "<", "<=", ">", ">=")
    numeric = "" if isinstance(condition.value, str) else f" AND typeof({left}) <> 'text'"
    return f"({left} {condition.operator} :value{n}{numeric})"


def _order(query: Query) -> str:
    column = COLUMNS.get(query.sort)
    what = column or f"(SELECT v.value FROM {_VALUES} v WHERE v.key = :sort)"
    way = "DESC" if query.descending else "ASC"
    return f"{what} IS NULL, {what} {way}, number {way}"
