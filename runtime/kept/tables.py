"""An experiment's results as a table, in NNI's JSON or as CSV; both can be imported again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from annotate import limits
from annotate.errors import AnnotateError
from annotate.json_value import JSON
from annotate.space import Values
from runtime.core.config import Config
from runtime.core.metrics import finite
from runtime.core.paths import ExperimentFolder
from runtime.core.received import received
from runtime.core.trial import Trial
from runtime.kept.documents import trial_document
from runtime.store import Store
from runtime.store.reader import Reader

#: The columns of the CSV before and after the parameters. NNI has `id` or `trialJobId`, the
#: parameters, and `reward` or, for a dict, its items; `value` has the result as reported.
BEFORE = ("trialJobId", "id", "number", "state", "metric_name")
REWARD = "reward"
AFTER = ("value", "intermediate")
_ALL = 1 << 62


def rows(folder: ExperimentFolder, *, intermediate: bool) -> list[dict[str, JSON]]:
    """One row for each trial that has ended, by number, with the fields of NNI's export.

    `value` is the final result as reported, None if there is none, and `metric_name` its name;
    `parameter` holds the values.
    """
    with Store.open(folder.store) as store, Reader(folder.store) as reader:
        config = Config.from_json(store.experiment().config)
        return [
            _row(reader, trial, config.metric_name, intermediate=intermediate)
            | {"parameter": finite(_parameter(config, folder, trial))}
            for trial in reader.trials(0, _ALL)
            if trial.state.ended
        ]


def _row(reader: Reader, trial: Trial, name: str, *, intermediate: bool) -> dict[str, JSON]:
    document = trial_document(trial)
    row: dict[str, JSON] = {
        "trialJobId": document["id"],
        "id": document["id"],
        "number": document["number"],
        "state": document["state"],
        "metric_name": name,
        "parameter": document["values"],
        "value": finite(reader.final(trial.number)),
    }
    if intermediate:
        row["intermediate"] = [finite(value) for _, _, value, _ in reader.reports([trial.number])]
    return row


def _parameter(config: Config, folder: ExperimentFolder, trial: Trial) -> Values:
    """The values as the script received them, which are NNI's, if they have names."""
    values = received(config, folder, trial.values)
    return values if isinstance(values, dict) else trial.values


def json_text(rows: list[dict[str, JSON]]) -> str:
    return json.dumps(rows, indent=2) + "\n"


def csv_text(rows: list[dict[str, JSON]]) -> str:
    """One column for each parameter. Cells hold numbers, plain text, or JSON for anything else."""
    keys = list(dict.fromkeys(key for row in rows for key in row["parameter"]))
    items = dict.fromkeys(key for row in rows for key in _items(row["value"]))
    metrics = [key for key in items if key not in (*BEFORE, *keys, *AFTER, REWARD)]
    after = [name for name in AFTER if any(name in row for row in rows) or name == "value"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*BEFORE, *keys, REWARD, *metrics, *after])
    for row in rows:
        value = row["value"]
        reward = value.get("default") if isinstance(value, dict) else value
        writer.writerow(
            [
                *_cells(row, BEFORE),
                *_cells(row["parameter"], keys, empty=False),
                *_cells({REWARD: reward}, [REWARD]),
                *_cells(_items(value), metrics),
                *_cells(row, after),
            ]
        )
    return text.getvalue()


def _items(value: JSON) -> dict[str, JSON]:
    return value if isinstance(value, dict) else {}


def _cells(row: dict[str, JSON], names: Sequence[str], *, empty: bool = True) -> list[str]:
    """The cells of these columns; with `empty`, also None is an empty one."""
    return [
        _cell(row[name]) if name in row and not (empty and row[name] is None) else ""
        for name in names
    ]


def csv_rows(text: str, path: str) -> list[dict[str, JSON]]:
    """The rows that `csv_text`, an earlier version of it or NNI wrote.

    Raises AnnotateError that names the file `path`.
    """
    reader = csv.reader(io.StringIO(text))
    try:
        header = next(reader, [])
        read = _own_row if tuple(header[: len(BEFORE)]) == BEFORE else _named_row
        return [read(header, cells) for cells in reader if cells]
    except csv.Error as error:
        raise AnnotateError(f"{path}:{reader.line_num}: {error}") from None


def _own_row(header: list[str], cells: list[str]) -> dict[str, JSON]:
    """A row of `csv_text`, whose columns have their places, so a parameter may have any name."""
    end = len(header) - header[::-1].index(REWARD) - 1 if REWARD in header else len(header)
    columns = [*zip(header, cells, strict=False)]
    fields = {name: _value(cell) for name, cell in columns[: len(BEFORE)] + columns[end:] if cell}
    given = {name: _value(cell) for name, cell in columns[len(BEFORE) : end] if cell}
    return {"state": fields.get("state"), "parameter": given, "value": fields.get("value")}


def _named_row(header: list[str], cells: list[str]) -> dict[str, JSON]:
    """A row of another table, by the names of its columns."""
    row = {name: _value(cell) for name, cell in zip(header, cells, strict=False) if name and cell}
    result = next((name for name in ("value", REWARD, "default") if name in row), "")
    fields = (*BEFORE, *AFTER, REWARD, result)
    return {
        "state": row.get("state"),
        "parameter": {key: value for key, value in row.items() if key not in fields},
        "value": row.get(result),
    }


def imported(result: JSON) -> JSON:
    """A result as it is imported: NNI's exports have its `value` as JSON text."""
    if isinstance(result, dict) and isinstance(result.get("value"), str):
        return {**result, "value": _value(result["value"])}
    return result


def _value(text: str) -> JSON:
    try:
        return limits.json_value(text, "the cell")
    except AnnotateError:
        return text


def _cell(value: JSON) -> str:
    """The cell's text; strings that would be read back as something else become JSON strings."""
    if isinstance(value, str):
        return json.dumps(value) if _is_ambiguous(value) else value
    return json.dumps(value)


def _is_ambiguous(text: str) -> bool:
    return not text or _value(text) != text
