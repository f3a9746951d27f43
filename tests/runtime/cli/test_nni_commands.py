"""NNI's commands with running and finished experiments."""

import csv
import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys

import pytest

from runtime.cli.terminal import visible
from runtime.kept import lookup
from runtime.loop import known_results
from runtime.store import Store

SCRIPT = """\
import sys
x = 0.5  # @nni.uniform(0, 1)
opt = "sgd"  # @nni.choice("sgd", "1.5", None, nni.uniform(0, 1))
print("out", x)
print("err", opt, file=sys.stderr)
for step in range(3):
    # @nni.report_intermediate_result(x * step)
    pass
# @nni.report_final_result(x)
"""


@pytest.fixture
def ended(annotate, folder):
    """A finished experiment with six trials."""
    (folder / "train.py").write_text(SCRIPT)
    done = annotate("run", "train.py", "--max-trials", "6", "--tuner", "random", "--json")
    return json.loads(done.stdout)


def test_the_state_of_an_experiment(annotate, ended):
    document = json.loads(annotate("experiment", "status", "--json").stdout)
    assert document["state"] == "DONE"
    assert document["trials"] == {"SUCCEEDED": 6}
    assert document["best"]["trial"] == ended["best"]["trial"]
    assert "6 of 6 trials: 6 SUCCEEDED" in annotate("experiment", "status").stdout
    shown = json.loads(annotate("experiment", "show", ended["experiment"][:4], "--json").stdout)
    assert shown["config"]["script"] == "train.py"
    assert list(shown["space"]) == list(ended["best"]["values"])
    lines = annotate("experiment", "show").stdout.splitlines()
    assert ["config", "script", "train.py"] in [line.split() for line in lines]
    path = visible(shown["folder"])
    assert ["folder", path] in [line.split(None, 1) for line in map(str.strip, lines)], (
        "however long it is"
    )


def test_all_results_are_exported(annotate, ended, folder):
    annotate("experiment", "export", "--filename", "out.json", "--type", "json", "--intermediate")
    rows = json.loads((folder / "out.json").read_text())
    assert [row["parameter"] for row in rows] == [t["values"] for t in ended["trials"]]
    assert [row["value"] for row in rows] == [t["metric"] for t in ended["trials"]]
    assert [row["intermediate"] for row in rows] == [t["intermediate"] for t in ended["trials"]]
    annotate("experiment", "export", "-f", "out.csv")
    cells = list(csv.DictReader(io.StringIO((folder / "out.csv").read_text())))
    for cell, trial in zip(cells, ended["trials"], strict=True):
        assert cell["trialJobId"] == cell["id"] == trial["id"]
        assert float(cell["reward"]) == trial["metric"]
        assert float(cell["value"]) == trial["metric"]
        for key, value in trial["values"].items():
            text = cell[key]
            assert value == (text if text == "sgd" else json.loads(text))


@pytest.mark.parametrize("name", ["out.json", "out.csv"])
def test_an_export_can_be_imported_completely(annotate, ended, folder, name):
    annotate("experiment", "export", "-f", name)
    rows = known_results.of_file(folder / name)
    assert [row["parameter"] for row in rows] == [t["values"] for t in ended["trials"]]
    assert [row["value"] for row in rows] == [t["metric"] for t in ended["trials"]]
    annotate("run", "train.py", "--max-trials", "1", "--no-baseline", "--tuner", "random")
    done = annotate("experiment", "import", ended["experiment"], "--filename", name)
    assert done.stdout == f"6 results from {name} for the tuner to learn from\n"


def test_deleting_an_experiment_frees_its_disk_space(annotate, ended, home):
    done = annotate("experiment", "delete", "--all", code=2)
    assert "this would delete 1 experiment, and there is no terminal to ask" in done.stderr
    done = annotate("experiment", "delete", "--all", "--force")
    assert re.search(r"Deleted experiment \w+ \(freed [0-9.]+ (KiB|MiB)\)\.", done.stdout)
    assert list((home / "experiments").glob("[!.]*")) == []
    done = annotate("experiment", "delete", ended["experiment"], code=2)
    assert "there is no experiment" in done.stderr


def test_a_running_experiment_is_not_deleted(driver, annotate):
    _, experiment = driver()
    done = annotate("experiment", "delete", experiment.id, code=2)
    assert (
        f"experiment {experiment.id} is running\nhint: stop it with: annotate stop" in done.stderr
    )
    assert experiment.store.is_file()


def test_trial_logs_are_printed_in_full_in_part_or_as_a_path(annotate, ended, home):
    first = ended["trials"][0]
    assert annotate("log", "trial", "-T", "0").stdout == "out 0.5\nerr sgd\n"
    assert annotate("log", "trial", "--trial_id", first["id"]).stdout == "out 0.5\nerr sgd\n"
    assert annotate("log", "trial", "-T", "0", "--head", "1").stdout == "out 0.5\nerr sgd\n"
    place = home / "experiments" / ended["experiment"] / "trials" / "0"
    paths = annotate("log", "trial", "-T", "0", "--path").stdout
    assert paths == f"{place / 'stdout'}\n{place / 'stderr'}\n"
    lines = annotate("log", "stderr").stdout.splitlines(keepends=True)
    assert annotate("log", "stderr", "-T", "1").stdout == lines[-1]
    assert annotate("log", "stdout", "-H", "1").stdout == lines[0], "both are the driver's log"
    ranked = sorted(ended["trials"], key=lambda trial: trial["metric"])
    for option, expected in (("--tail", ranked[:2]), ("--head", ranked[:-3:-1])):
        listed = json.loads(annotate("trial", "ls", option, "2", "--json").stdout)
        assert [trial["number"] for trial in listed] == [t["number"] for t in expected]
    done = annotate("log", "trial", "-T", "99", code=2)
    assert "has no trial '99'" in done.stderr


def test_a_trials_code_runs_on_its_own_with_its_values(annotate, ended, folder):
    trial = ended["trials"][2]
    done = annotate("trial", "codegen", "-T", trial["id"])
    assert f"trial_{trial['id']}" in done.stderr
    script = folder / f"trial_{trial['id']}" / "train.py"
    assert b"@nni" not in script.read_bytes()
    alone = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert alone.stdout == f"out {trial['metric']}\n"


def test_limits_of_a_running_experiment_are_changed_and_trials_killed(
    driver, annotate, folder, until, running
):
    process, experiment = driver("--max-trials", "9")
    until(lambda: running(experiment) == [0])
    annotate("update", "concurrency", experiment.id, "--value", "2")
    until(lambda: running(experiment) == [0, 1])
    annotate("trial", "kill", "-T", "1")
    until(lambda: running(experiment) == [0, 2])
    (row,) = json.loads(annotate("top", "--json").stdout)
    assert (row["id"], row["concurrency"]) == (experiment.id, 2)
    assert row["trials"] == {"RUNNING": 2, "USER_CANCELED": 1}
    assert experiment.id in annotate("top").stdout
    annotate("update", "trialnum", "--value", "4")
    annotate("update", "duration", "--value", "1h")
    (folder / "go").touch()
    out, _ = process.communicate(timeout=60)
    assert [t["number"] for t in json.loads(out)["trials"]] == [0, 1, 2, 3]


def test_a_changed_space_takes_effect_at_once_and_keeps_results_inside_it(
    driver, annotate, folder, until, running
):
    process, experiment = driver("--max-trials", "6", "--tuner", "tpe")
    until(lambda: running(experiment) == [0])
    with Store.open(experiment.store) as store:
        (key,) = store.experiment().space.to_json()
    space = {key: {"_type": "uniform", "_value": [0.4, 0.6]}}
    (folder / "space.yml").write_text(f"{key}: {{_type: uniform, _value: [0.4, 0.6]}}\n")
    (folder / "wrong.json").write_text(json.dumps(space | {"other/x": space[key]}))
    refused = annotate("update", "searchspace", "-f", "wrong.json", code=2).stderr
    assert "the script has no annotation for 'other/x'" in refused
    done = annotate("update", "searchspace", "--filename", "space.yml")
    assert "search space changed: no earlier result fits it" in done.stdout
    (folder / "go").touch()
    out, _ = process.communicate(timeout=60)
    trials = json.loads(out)["trials"]
    assert len(trials) == 6
    assert all(0.4 <= t["values"][key] <= 0.6 for t in trials)
    (folder / "space.json").write_text('{"x": {"_type": "unifrom", "_value": [0, 1]}}')
    done = annotate("update", "searchspace", "-f", "space.json", code=2)
    assert "uniform" in done.stderr


def test_a_stopped_experiment_keeps_its_results_and_resumes(
    driver, annotate, folder, until, running
):
    process, experiment = driver("--max-trials", "2")
    until(lambda: running(experiment) == [0])
    other = f"{experiment.id[:2]}0*"
    assert annotate("stop", other).stdout == (
        f"No experiment is running whose id matches {other}.\n"
    )
    assert "no pages of ours are at port 9" in annotate("stop", "-p", "9", code=2).stderr
    done = annotate("stop", f"{experiment.id[:2]}*")
    assert f"Experiment {experiment.id} has stopped" in done.stdout
    assert process.wait(timeout=60) == 130
    assert "is not running" in annotate("stop", experiment.id, code=2).stderr
    assert annotate("stop", "all").stdout == "No experiment is running.\n"


def test_ss_gen_writes_the_space_and_does_not_overwrite_it(annotate, folder):
    (folder / "train.py").write_text(SCRIPT)
    annotate("ss_gen", "--trial_command", "python3 train.py --fast")
    document = json.loads((folder / "nni_auto_gen_search_space.json").read_text())
    assert [spec["_type"] for spec in document.values()] == ["uniform", "choice"]
    assert "exists already" in annotate("ss_gen", "train.py", code=2).stderr


def test_platform_clean_removes_only_half_created_experiments(annotate, ended, home):
    half = home / "experiments" / "Half1234"
    half.mkdir()
    assert "nothing to remove" in annotate("platform", "clean").stdout
    os.utime(half, (0, 0))
    assert "Removed 1 folder." in annotate("platform", "clean", "--config", "x.yml").stdout
    assert [folder.id for folder in lookup.folders()] == [ended["experiment"]]


def test_config_show_prints_paths(annotate, home):
    shown = json.loads(annotate("config", "show", "--json").stdout)
    assert (shown["home"], shown["home set by"]) == (str(home), "ANNOTATE_HOME")
    assert str(home) in annotate("config", "show").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_accept_the_completion_script(annotate, shell):
    script = annotate("completion", shell, "--name", "nnictl").stdout
    assert "nnictl completion --words" in script
    if shutil.which(shell):
        done = subprocess.run([shell, "-n"], input=script, text=True, check=False, timeout=60)
        assert done.returncode == 0


def test_completion_offers_the_next_words(annotate, ended):
    def words(*before):
        return annotate("completion", "--words", *before).stdout.split()

    assert {"run", "trial", "experiment", "update"} <= set(words())
    assert words("update") == ["concurrency", "duration", "searchspace", "trialnum"]
    assert "--trial_id" in words("trial", "kill")
    assert ended["experiment"] in words("trial", "ls")
    assert words("experiment", "export", "--type") == ["csv", "json"]


def test_top_updates_until_it_is_interrupted(driver, until, running):
    _, experiment = driver()
    until(lambda: running(experiment) == [0])
    main, other = pty.openpty()
    command = [sys.executable, "-m", "annotate", "top", "--time", "0.2"]
    top = subprocess.Popen(command, stdin=other, stdout=other, stderr=other)
    os.close(other)
    seen = b""
    while experiment.id.encode() not in seen:
        seen += os.read(main, 4096)
    top.send_signal(2)
    while True:
        try:
            os.read(main, 4096)
        except OSError:
            break
    assert top.wait(timeout=60) == 130
    os.close(main)
