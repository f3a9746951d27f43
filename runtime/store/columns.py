"""The columns of the trials' table: the one list that queries, live updates and pages share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: How the browser renders a cell: the keys of CELLS in static/parts/jobs.js.
Kind = Literal["number", "code", "state", "result", "duration", "words", "text", "time"]


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a trial that the table can sort, filter and show.

    `title` is the heading, None if the table does not show the column. `hidden` columns are shown
    on request only. `sql` is what rows are sorted and filtered by; the default is `name`. `live`
    columns are part of every update that the pages receive, as in `trial_document`.
    """

    name: str
    title: str | None = None
    kind: Kind = "number"
    hidden: bool = False
    sql: str = ""
    live: bool = True


#: In the order of the table.
COLUMNS = (
    Column("number", "Trial"),
    Column("id", "Id", "code"),
    Column("state", "State", "state"),
    Column("metric", "Result", "result"),
    Column("seconds", "Time", "duration", sql="coalesce(ended, :now) - started", live=False),
    Column("reports", "Reports", hidden=True),
    Column("last"),
    Column("origin", "Origin", "words", hidden=True),
    Column("machine", "Machine", "text", hidden=True, sql="json_extract(place, '$.machine')"),
    Column("created"),
    Column("started", "Started", "time", hidden=True),
    Column("ended", "Ended", "time", hidden=True),
    Column("reason"),
)

#: SQL to sort and filter by, for each name of a column.
SORT_BY = {column.name: column.sql or column.name for column in COLUMNS}

#: The names of the values in a row of a live update, in this order.
LIVE = tuple(column.name for column in COLUMNS if column.live)
