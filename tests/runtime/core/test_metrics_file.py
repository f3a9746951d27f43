"""Reading a trial's metrics while it writes them."""

import json
import math

import pytest

from runtime.core.metrics import MetricsFile, finite


def line(kind="intermediate", value=0.5, **more):
    return json.dumps({"type": kind, "value": value, "time": 1.0, **more}) + "\n"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "metrics.jsonl"


def test_each_line_is_read_once(file):
    metrics = MetricsFile(file)
    assert not metrics.read(), "a file that is not there yet is empty"
    file.write_text(line(value=1) + line(value=2))
    assert [r.value for r in metrics.read().reports] == [1, 2]
    assert not metrics.read()
    with file.open("a") as more:
        more.write(line("final", {"default": 3}))
    (report,) = metrics.read().reports
    assert (report.kind, report.number) == ("final", 3.0)


def test_a_torn_line_waits_for_its_rest(file):
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


def test_the_first_value_of_a_place_as_written_counts(file):
    file.write_text(line("written", 1, key="a") + line("written", 2, key="a"))
    assert MetricsFile(file).read().written == {"a": 1}


def test_a_large_file_is_read_in_parts(file):
    file.write_text(line() * 40_000)
    metrics, counts = MetricsFile(file), []
    while batch := metrics.read():
        counts.append(len(batch.reports))
    assert sum(counts) == 40_000
    assert len(counts) > 1


def test_what_is_no_finite_number_can_be_written_as_strict_json():
    found = finite({"a": [math.nan, math.inf, -math.inf, 1.5], "b": None})
    assert found == {"a": ["nan", "inf", "-inf", 1.5], "b": None}
    json.dumps(found, allow_nan=False)
