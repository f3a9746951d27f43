"""Every face of a trial shows the same document, whatever its result is."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys

import pytest

from runtime.core.config import Config
from runtime.kept import lookup
from runtime.server.describe import columns
from runtime.server.watch import Watch
from runtime.store.columns import COLUMNS, LIVE
from tests.runtime.server.conftest import serving

RESULTS = ["nan", "inf", "-inf", 1e300, 10**30]
SCRIPT = """\
import nni

case = 0  # @nni.choice(0, 1, 2, 3, 4)
results = [float("nan"), float("inf"), float("-inf"), 1e300, 10**30]
nni.report_intermediate_result(results[case])
nni.report_final_result({"default": results[case]} if case % 2 else results[case])
"""


def load(text):
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A finished experiment with each result once: its site, id, folder, and the CLI."""
    folder = tmp_path_factory.mktemp("code")
    home = folder / "home"
    (folder / "train.py").write_text(SCRIPT)
    environment = {**os.environ, "ANNOTATE_HOME": str(home)}

    def annotate(*words):
        command = [sys.executable, "-m", "annotate", *words]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    options = ("--tuner", "grid", "--no-baseline", "--json")
    run = load(annotate("run", "train.py", *options))
    with serving(home) as site:
        yield run, site, annotate, folder


def test_run_and_trial_ls_print_special_numbers_as_strings(faces):
    run, _, annotate, _ = faces
    assert sorted(t["values"]["train/case/choice"] for t in run["trials"]) == [0, 1, 2, 3, 4]
    for trial in run["trials"]:
        result = RESULTS[trial["values"]["train/case/choice"]]
        number = result if isinstance(result, str) else float(result)
        assert trial["metric"] == trial["last"] == number
        assert trial["intermediate"] == [result]
    assert load(annotate("trial", "ls", "--json")) == run["trials"]
    assert run["best"]["metric"] == 1e300
    for command in ("show", "status"):
        assert load(annotate("experiment", command, "--json"))["best"] == run["best"]
    table = annotate("trial", "ls")
    assert all(f" {text} " in table for text in ("nan", "inf", "-inf"))


def test_the_pages_show_the_document_that_the_cli_prints(faces):
    run, site, _, _ = faces
    api = f"/api/v1/experiments/{run['experiment']}"
    extra = {"intermediate", "seconds"}
    documents = [{k: t[k] for k in t.keys() - extra} for t in run["trials"]]
    assert site.json(f"{api}/trials?limit=100&sort=number")["trials"] == documents
    for document in documents:
        page = site.json(f"{api}/trials/{document['number']}")
        assert {k: page[k] for k in document} == document
    assert site.json(api)["best"] == documents[run["best"]["trial"]]


async def first_line(watch):
    async with contextlib.aclosing(watch.lines("")) as lines:
        return await anext(lines)


def test_live_rows_are_the_documents_columns(faces, monkeypatch):
    run, site, _, _ = faces
    monkeypatch.setenv("ANNOTATE_HOME", str(site.home))
    (folder,) = lookup.folders()
    line = load(asyncio.run(first_line(Watch(folder))))
    assert line["columns"] == list(LIVE)
    rows = [dict(zip(line["columns"], row, strict=True)) for row in line["trials"]]
    assert rows == [{name: t[name] for name in LIVE} for t in run["trials"]]


def test_every_column_of_the_table_is_in_the_document_and_sorts(faces):
    run, site, _, _ = faces
    api = f"/api/v1/experiments/{run['experiment']}"
    assert {c.name for c in COLUMNS} <= run["trials"][0].keys()
    shown = {c["key"] for c in site.json(api)["columns"]}
    assert shown == {c.name for c in COLUMNS if c.title}
    for column in COLUMNS:
        assert site.json(f"{api}/trials?sort={column.name}")["total"] == len(RESULTS)


def test_the_machine_is_shown_unless_all_trials_are_local():
    for executor, is_hidden in (("local", True), ("ssh", False)):
        config = Config("train.py", "/project", "python3", executor=executor, hosts="alpha")
        shown = {column["key"]: column["hidden"] for column in columns(config)}
        assert shown["machine"] is is_hidden


def test_a_search_filters_by_every_column(faces):
    run, site, _, _ = faces
    api = f"/api/v1/experiments/{run['experiment']}"
    for column in COLUMNS:
        assert site.json(f"{api}/trials?search={column.name}~nowhere")["total"] == 0
    assert site.json(f"{api}/trials?search=state~SUCC+id~{run['trials'][2]['id']}")["total"] == 1


def test_nnis_rest_api_has_the_same_numbers(faces):
    run, site, _, _ = faces
    jobs = site.json("/api/v1/nni/trial-jobs")
    for job, trial in zip(jobs, run["trials"], strict=True):
        assert (job["id"], job["sequenceId"]) == (trial["id"], trial["number"])
        assert json.loads(job["hyperParameters"][0])["parameters"] == trial["values"]
        final = load(load(job["finalMetricData"][0]["data"]))
        result = RESULTS[trial["values"]["train/case/choice"]]
        assert (final["default"] if isinstance(final, dict) else final) == result
    metrics = site.json("/api/v1/nni/metric-data")
    reports = [load(load(m["data"])) for m in metrics if m["type"] == "PERIODICAL"]
    assert reports == [RESULTS[t["values"]["train/case/choice"]] for t in run["trials"]]


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_exports_have_the_same_numbers_and_are_imported(faces, kind):
    run, site, annotate, folder = faces
    annotate("experiment", "export", "-f", f"out.{kind}", "-i")
    path = folder / f"out.{kind}"
    exported = site.ask(f"/api/v1/experiments/{run['experiment']}/results.{kind}")[2]
    assert exported == path.read_bytes()
    if kind == "json":
        rows = load(path.read_text())
        assert [row["parameter"] for row in rows] == [t["values"] for t in run["trials"]]
        assert [row["intermediate"] for row in rows] == [t["intermediate"] for t in run["trials"]]
    done = annotate("experiment", "import", run["experiment"], "-f", path.name)
    assert "2 results" in done
    assert "3 " in done


def test_the_output_of_run_can_be_imported(faces):
    run, _, annotate, folder = faces
    (folder / "run.json").write_text(json.dumps(run))
    done = annotate("experiment", "import", run["experiment"], "-f", "run.json")
    assert "2 results" in done
    assert "3 " in done
