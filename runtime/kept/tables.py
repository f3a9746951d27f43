"""An experiment's results as a table, in NNI's JSON or as CSV; both can be imported again."""

from __future__ import annotations

import csv
import io
import json

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

#: The columns of the CSV before and after the parameters.
BEFORE = ("trialJobId", "number", "state", "metric_name")
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
    after = [name for name in AFTER if any(name in row for row in rows) or name == "value"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [*BEFORE, *keys, *after]
    writer.writerow(names)
    for row in rows:
        fields = {name: row[name] for name in (*BEFORE, *after) if row.get(name) is not None}
        cells = fields | row["parameter"]
        writer.writerow([_cell(cells[name]) if name in cells else "" for name in names])
    return text.getvalue()


def csv_rows(text: str, path: str) -> list[dict[str, JSON]]:
    """The rows that `csv_text` wrote. NNI's column `reward` also counts as the value.

    Raises AnnotateError that names the file `path`.
    """
    reader = csv.DictReader(io.StringIO(text))
    try:
        return [_row_from_cells(cells) for cells in reader]
    except csv.Error as error:
        raise AnnotateError(f"{path}:{reader.line_num}: {error}") from None


def _row_from_cells(cells: dict[str, str]) -> dict[str, JSON]:
    row = {name: _value(text) for name, text in cells.items() if name and text}
    fields = (*BEFORE, *AFTER, "reward")
    return {
        "state": row.get("state"),
        "parameter": {key: value for key, value in row.items() if key not in fields},
        "value": row.get("value", row.get("reward")),
    }


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
