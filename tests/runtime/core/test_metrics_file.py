"""A trial's metrics file can be read while the trial writes it."""

import json
import math

import pytest

from runtime.core.metrics import MetricsFile, finite


def line(kind="intermediate", value=0.5, **fields):
    return json.dumps({"type": kind, "value": value, "time": 1.0, **fields}) + "\n"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "metrics.jsonl"


def test_each_line_is_read_once(file):
    metrics = MetricsFile(file)
    assert not metrics.read(), "a missing file counts as empty"
    file.write_text(line(value=1) + line(value=2))
    assert [r.value for r in metrics.read().reports] == [1, 2]
    assert not metrics.read()
    with file.open("a") as appended:
        appended.write(line("final", {"default": 3}))
    (report,) = metrics.read().reports
    assert (report.kind, report.number) == ("final", 3.0)


def test_an_incomplete_line_is_read_once_it_is_complete(file):
    whole = line(value=1)
    file.write_text(whole[:10])
    metrics = MetricsFile(file)
    assert not metrics.read()
    file.write_text(whole)
    assert [r.value for r in metrics.read().reports] == [1]


@pytest.mark.parametrize(
    "damaged",
    [
        "{",
        "7",
        "[]",
        "null",
        '{"type": "intermediate"}',
        '{"type": "x", "value": 1}',
        "\x00\xff",
        "[" * 5000,
    ],
)
def test_a_damaged_line_loses_only_itself(file, damaged):
    file.write_bytes(line(value=1).encode() + damaged.encode() + b"\n" + line(value=2).encode())
    assert [r.value for r in MetricsFile(file).read().reports] == [1, 2]


def test_the_first_written_value_of_a_parameter_counts(file):
    file.write_text(line("written", 1, key="a") + line("written", 2, key="a"))
    assert MetricsFile(file).read().as_written == {"a": 1}


def test_a_large_file_is_read_in_parts(file):
    file.write_text(line() * 40_000)
    metrics, counts = MetricsFile(file), []
    while batch := metrics.read():
        counts.append(len(batch.reports))
    assert sum(counts) == 40_000
    assert len(counts) > 1


def test_nan_and_infinities_become_strings_of_strict_json():
    document = finite({"a": [math.nan, math.inf, -math.inf, 1.5], "b": None})
    assert document == {"a": ["nan", "inf", "-inf", 1.5], "b": None}
    json.dumps(document, allow_nan=False)
