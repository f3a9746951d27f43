"""`create`: experiments that run in the background."""

import json
import os
import signal
import socket
import sys
import time

import pytest

from runtime.kept import lookup
from runtime.store import Store
from runtime.system.lock import is_held

SCRIPT = """\
import pathlib, sys, time
import nni
values = nni.get_next_parameter()
nni.report_intermediate_result(0)
while not pathlib.Path("go").exists():
    time.sleep(0.02)
nni.report_final_result(values["lr"])
print("epochs", *sys.argv[1:])
"""
CONFIG = """\
authorName: somebody          # fields, with remarks behind them
maxTrialNum: 2
searchSpacePath: search_space.json
tuner:
    builtinTunerName: TPE
trial:
  command: python3 train.py --epochs 3
  codeDir: .
  gpuNum: 0
"""


@pytest.fixture
def project(folder, annotate):
    (folder / "train.py").write_text(SCRIPT)
    (folder / "config.yml").write_text(CONFIG)
    (folder / "search_space.json").write_text('{"lr": {"_type": "uniform", "_value": [0, 1]}}')
    yield folder
    for experiment in lookup.folders():
        if is_held(experiment.lock):
            os.kill(int(experiment.lock.read_text()), signal.SIGKILL)
    annotate("ui", "--stop")


def until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


def states(experiment):
    with Store.open(experiment.store) as store:
        return [trial.state.value for trial in store.trials()]


def driver(experiment):
    return int(experiment.lock.read_text())


def test_create_returns_and_the_experiment_continues_without_a_terminal(project, annotate):
    output = annotate("create", "-c", "config.yml").stdout
    (experiment,) = lookup.folders()
    assert f"Experiment {experiment.id} runs" in output
    assert f"/e/{experiment.id}#token=" in output
    assert f"annotate trial ls {experiment.id}" in output
    until(lambda: is_held(experiment.lock) and states(experiment) == ["RUNNING"])
    pid = driver(experiment)
    assert os.getsid(pid) == pid
    os.kill(pid, signal.SIGHUP)
    (project / "go").touch()
    until(lambda: not is_held(experiment.lock))
    assert states(experiment) == ["SUCCEEDED"] * 2
    assert "Best: trial" in experiment.stdout.read_text()
    assert experiment.trial(0).stdout.read_text() == "epochs --epochs 3\n"


def test_two_concurrent_creates_make_two_experiments_on_the_same_server(project, annotate):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        words = ("create", "-c", "config.yml", "--json")
        both = list(pool.map(lambda _: json.loads(annotate(*words).stdout), range(2)))
    assert len({experiment["experiment"] for experiment in both}) == 2
    assert len({experiment["pages"][0].partition("/e/")[0] for experiment in both}) == 1


def test_a_port_in_use_is_reported_with_its_user_and_nothing_starts(project, annotate):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        errors = annotate("create", "-c", "config.yml", "-p", port, code=2).stderr
    assert f"port {port} is in use by" in errors
    assert f"(pid {os.getpid()})" in errors
    assert list(lookup.folders()) == []


def test_a_dead_driver_is_reported_and_its_experiment_resumes_in_the_background(project, annotate):
    annotate("create", "-c", "config.yml")
    (experiment,) = lookup.folders()
    until(lambda: is_held(experiment.lock) and states(experiment) == ["RUNNING"])
    os.kill(driver(experiment), signal.SIGKILL)
    until(lambda: not is_held(experiment.lock))
    (row,) = json.loads(annotate("experiment", "list", "--all", "--json").stdout)
    assert row["state"] == "STOPPED"
    (project / "go").touch()
    assert "runs in the background" in annotate("resume", experiment.id[:4]).stdout
    until(lambda: states(experiment) == ["SUCCEEDED"] * 2)


def test_create_itself_reports_a_mistake(project, annotate):
    (project / "config.yml").write_text(CONFIG.replace("TPE", "Batch"))
    errors = annotate("create", "-c", "config.yml", code=2).stderr
    assert "config.yml" in errors or "batch" in errors
    assert list(lookup.folders()) == []


def test_create_in_the_foreground_runs_to_the_end(project, annotate):
    (project / "go").touch()
    done = annotate("create", "-c", "config.yml", "--foreground", "--debug")
    assert "Best: trial" in done.stdout
    (experiment,) = lookup.folders()
    assert "DEBUG trial 0 RUNNING, 1 reports" in experiment.log.read_text()


def test_run_with_a_config_file_lets_options_override_it(project, annotate):
    (project / "go").touch()
    done = annotate("run", "-c", "config.yml", "--max-trials", "3", "--tuner", "Random", "--json")
    trials = json.loads(done.stdout)["trials"]
    assert [trial["state"] for trial in trials] == ["SUCCEEDED"] * 3


@pytest.mark.parametrize(
    "command",
    [
        "FOO=1 python3 -m pkg.train",
        "bash run.sh",
        "PYTHONPATH=pkg:$PYTHONPATH python3 pkg/train.py && true",
    ],
)
def test_any_command_can_be_a_trial_and_runs_the_snapshots_code(project, annotate, command):
    (project / "pkg").mkdir()
    (project / "pkg" / "__init__.py").touch()
    (project / "pkg" / "train.py").write_text(
        "lr = 0.1  # @nni.choice(0.25, 0.5)\n# @nni.report_final_result(lr)\n"
    )
    (project / "run.sh").write_text(f"exec {sys.executable} pkg/train.py")
    text = f"maxTrialNum: 2\nuseAnnotation: true\ntrial: {{command: {json.dumps(command)}}}\n"
    (project / "config.yml").write_text(text)
    trials = json.loads(annotate("run", "-c", "config.yml", "--json").stdout)["trials"]
    assert sorted(trial["metric"] for trial in trials) == [0.25, 0.5]


def test_a_space_file_passes_nested_values_as_nni_does(project, annotate):
    layers = [{"_name": "none"}, {"_name": "conv", "size": {"_type": "choice", "_value": [3]}}]
    space = {"layer": {"_type": "choice", "_value": layers}}
    (project / "space.json").write_text(json.dumps(space))
    (project / "train.py").write_text(
        "import nni\nlayer = nni.get_next_parameter().get('layer', {'_name': 'none'})\n"
        "nni.report_final_result(layer.get('size', 0) if layer['_name'] == 'conv' else 0)\n"
    )
    words = ("run", "train.py", "--search-space", "space.json", "--tuner", "grid", "--json")
    trials = json.loads(annotate(*words).stdout)["trials"]
    assert [trial["metric"] for trial in trials] == [0, 0, 3]
    assert trials[2]["values"] == {"layer": {"_name": "conv", "size": 3}}
