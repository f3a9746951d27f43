"""An experiment's results as tables: NNI's JSON, and CSV, either of which reads back."""

from __future__ import annotations

import csv
import io
import json

from annotate.json_value import JSON
from runtime.core.metrics import finite
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import Trial
from runtime.store.reader import Reader

#: The columns of the CSV that are not parameters.
BEFORE = ("trialJobId", "number", "state")
AFTER = ("value", "intermediate")
_ALL = 1 << 62


def rows(folder: ExperimentFolder, *, intermediate: bool) -> list[dict[str, JSON]]:
    """One document for each trial that has ended, by number, as NNI exports them.

    `value` is the final result as reported, null where there is none; `parameter` the values.
    """
    with Reader(folder.store) as reader:
        return [
            _row(reader, trial, intermediate=intermediate)
            for trial in reader.trials(0, _ALL)
            if trial.state.ended
        ]


def _row(reader: Reader, trial: Trial, *, intermediate: bool) -> dict[str, JSON]:
    row: dict[str, JSON] = {
        "trialJobId": trial.id,
        "number": trial.number,
        "state": trial.state.value,
        "parameter": finite(trial.values),
        "value": finite(reader.final(trial.number)),
    }
    if intermediate:
        row["intermediate"] = [finite(value) for _, _, value, _ in reader.reports([trial.number])]
    return row


def json_text(rows: list[dict[str, JSON]]) -> str:
    return json.dumps(rows, indent=2) + "\n"


def csv_text(rows: list[dict[str, JSON]]) -> str:
    """A column for each parameter; cells that are no plain text or number are JSON."""
    keys = list(dict.fromkeys(key for row in rows for key in row["parameter"]))
    after = [name for name in AFTER if any(name in row for row in rows) or name == "value"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*BEFORE, *keys, *after])
    for row in rows:
        given = {name: row[name] for name in (*BEFORE, *after) if row.get(name) is not None}
        cells = given | row["parameter"]
        names = [*BEFORE, *keys, *after]
        writer.writerow([_cell(cells[name]) if name in cells else "" for name in names])
    return text.getvalue()


def csv_rows(text: str) -> list[dict[str, JSON]]:
    """What `csv_text` wrote, as rows again; NNI's column `reward` is the value, too."""
    return [_of_cells(cells) for cells in csv.DictReader(io.StringIO(text))]


def _of_cells(cells: dict[str, str]) -> dict[str, JSON]:
    given = {name: _value(text) for name, text in cells.items() if name and text}
    known = (*BEFORE, *AFTER, "reward")
    return {
        "state": given.get("state"),
        "parameter": {key: value for key, value in given.items() if key not in known},
        "value": given.get("value", given.get("reward")),
    }


def _value(text: str) -> JSON:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _cell(value: JSON) -> str:
    """Text stays as it is where it could not be read as anything else."""
    if isinstance(value, str):
        return json.dumps(value) if _reads_as_other(value) else value
    return json.dumps(value)


def _reads_as_other(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return not text
    return True
