"""Tables of results: NNI's columns, and NNI's own exports read back."""

import csv
import io
import json

import pytest

from runtime.kept import tables
from runtime.loop import known_results


def row(number, parameter, value, **fields):
    names = {"trialJobId": f"id{number}", "id": f"id{number}", "number": number}
    return {
        **names,
        "state": "SUCCEEDED",
        "metric_name": "acc",
        "parameter": parameter,
        "value": value,
        **fields,
    }


ROWS = [
    row(0, {"lr": 0.1, "opt": "adam", "layers": [1, {"a": 2}]}, {"default": 0.5, "loss": 2.0}),
    row(1, {"lr": 1, "opt": "1", "none": None}, 0.75),
    row(2, {"lr": "nan", "reward": 3, "id": 4, "state": "x", "value": "v", "loss": 7}, 1.0),
    row(3, {"lr": 2.5}, {"default": 1, "lr": 9, "reward": 8, "text": "a, b", "list": [1]}),
    {**row(4, {"lr": 2.5}, None), "state": "FAILED"},
]


def test_a_table_has_nnis_columns_and_spreads_dicts():
    cells = list(csv.DictReader(io.StringIO(tables.csv_text(ROWS[:2]))))
    assert [cell["reward"] for cell in cells] == ["0.5", "0.75"]
    assert [cell["loss"] for cell in cells] == ["2.0", ""]
    assert [cell["id"] for cell in cells] == ["id0", "id1"]
    assert json.loads(cells[0]["layers"]) == [1, {"a": 2}]
    assert [cell["default"] for cell in cells] == ["0.5", ""]


@pytest.mark.parametrize("intermediate", [{}, {"intermediate": [0.1, 0.2]}])
def test_a_table_is_read_back_whatever_the_names(intermediate):
    rows = [{**r, **intermediate} for r in ROWS]
    read = tables.csv_rows(tables.csv_text(rows), "results.csv")
    fields = ("state", "parameter", "value")
    assert read == [{name: r[name] for name in fields} for r in ROWS]


#: As nnictl writes them: JSON has the value as text, CSV has the columns in any order.
NNIS_JSON = [
    {"parameter": {"lr": 0.25}, "value": "0.5", "id": "aXb"},
    {"parameter": {"lr": 0.5}, "value": '{"default": 0.75, "loss": 1}', "trialJobId": "aXc"},
]
NNIS_CSV = "id,lr,reward\naXb,0.25,0.5\n"
NNIS_DICTS = "default,trialJobId,loss,lr\n0.75,aXc,1,0.5\n"
OURS_BEFORE = "trialJobId,number,state,metric_name,lr,value\nx,0,SUCCEEDED,acc,0.5,0.75\n"


def test_nnis_own_exports_are_read(folder):
    (folder / "nni.json").write_text(json.dumps(NNIS_JSON))
    read = known_results.of_file(folder / "nni.json")
    assert [r["value"] for r in read] == [0.5, {"default": 0.75, "loss": 1}]
    for text, lr, value in (
        (NNIS_CSV, 0.25, 0.5),
        (NNIS_DICTS, 0.5, 0.75),
        (OURS_BEFORE, 0.5, 0.75),
    ):
        (result,) = tables.csv_rows(text, "nni.csv")
        assert result["parameter"]["lr"] == lr
        assert result["value"] == value
        assert not {"id", "trialJobId", "default", "reward"} & result["parameter"].keys()
