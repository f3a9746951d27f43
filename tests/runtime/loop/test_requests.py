"""Requests to a running experiment, and how its driver handles them."""

import json
import os
import re
import signal

import pytest

from annotate.errors import AnnotateError
from runtime.core import requests
from runtime.core.paths import ExperimentFolder
from runtime.core.requests import Requests
from runtime.system.lock import Lock


def document(process):
    out, _ = process.communicate(timeout=60)
    return json.loads(out)


def test_raising_the_concurrency_takes_effect_at_once(driver, folder, until, running):
    process, experiment = driver("--max-trials", "3")
    until(lambda: running(experiment) == [0])
    requests.ask(experiment, "concurrency", value=3)
    until(lambda: running(experiment) == [0, 1, 2])
    (folder / "go").touch()
    assert [t["state"] for t in document(process)["trials"]] == ["SUCCEEDED"] * 3


def test_killing_a_trial_ends_only_that_trial(driver, folder, until, running):
    process, experiment = driver("--max-trials", "2", "--concurrency", "2")
    until(lambda: running(experiment) == [0, 1])
    requests.ask(experiment, "kill", trial=1)
    until(lambda: running(experiment) == [0])
    with pytest.raises(AnnotateError, match="trial 1 is not running"):
        requests.ask(experiment, "kill", trial=1)
    with pytest.raises(AnnotateError, match="trial 9 is not running"):
        requests.ask(experiment, "kill", trial=9)
    (folder / "go").touch()
    states = [t["state"] for t in document(process)["trials"]]
    assert states == ["SUCCEEDED", "USER_CANCELED"]


def test_a_changed_trial_limit_is_kept_on_resume(driver, folder, annotate, until, running):
    process, experiment = driver("--max-trials", "2")
    until(lambda: running(experiment) == [0])
    requests.ask(experiment, "trials", value=4)
    requests.ask(experiment, "stop")
    stopped = document(process)
    assert process.returncode == 130
    assert [t["state"] for t in stopped["trials"]] == ["INTERRUPTED"]
    (folder / "go").touch()
    resumed = json.loads(annotate("resume", "--json").stdout)
    assert len(resumed["trials"]) == 4


def test_enqueued_values_run_next_and_invalid_ones_are_refused(driver, folder, until, running):
    process, experiment = driver("--max-trials", "2")
    until(lambda: running(experiment) == [0])
    requests.ask(experiment, "enqueue", values={"x": 0.125})
    with pytest.raises(AnnotateError, match="7 is not between 0 and 1"):
        requests.ask(experiment, "enqueue", values={"x": 7})
    with pytest.raises(AnnotateError, match="there is no parameter"):
        requests.ask(experiment, "enqueue", values={"y": 7})
    (folder / "go").touch()
    trials = document(process)["trials"]
    assert list(trials[1]["values"].values()) == [0.125]
    assert len(trials) == 2


def test_a_time_limit_that_has_passed_ends_the_experiment(driver, until, running):
    process, experiment = driver()
    until(lambda: running(experiment) == [0])
    requests.ask(experiment, "duration", seconds=0.5)
    done = document(process)
    assert re.match("--max-duration .* reached", done["reason"])


def test_an_invalid_request_is_refused_and_changes_nothing(driver, until, running):
    _, experiment = driver()
    until(lambda: running(experiment) == [0])
    with pytest.raises(AnnotateError, match="concurrency must be at least 1"):
        requests.ask(experiment, "concurrency", value=0)
    with pytest.raises(AnnotateError, match="neither a whole number nor auto"):
        requests.ask(experiment, "concurrency", value="many")
    assert running(experiment) == [0]


def test_without_a_running_driver_requests_are_refused(driver, until, running):
    process, experiment = driver()
    until(lambda: running(experiment) == [0])
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with pytest.raises(AnnotateError, match="is not running"):
        requests.ask(experiment, "stop")


def test_a_request_is_refused_at_once_after_the_last_look_at_requests(tmp_path):
    folder = ExperimentFolder(tmp_path)
    with Lock(folder.lock).acquire():
        Requests(folder.requests, lambda request: None).close()
        with pytest.raises(AnnotateError, match="the experiment has ended"):
            requests.ask(folder, "import", results=[])


def test_requests_that_no_one_has_answered_wait_for_the_next_reader(tmp_path, until):
    folder = ExperimentFolder(tmp_path)
    with Lock(folder.lock).acquire():
        Requests(folder.requests, lambda request: None).pause()
        number = requests.send(folder, "stop")
        received = []
        reader = Requests(folder.requests, received.append)
        until(lambda: received)
        reader.close()
    assert [request.number for request in received] == [number]
