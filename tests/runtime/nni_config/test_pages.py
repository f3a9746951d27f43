"""The pages for users of NNI match the code."""

import json
import os
import re
import shlex
import signal
import socket
import time
from pathlib import Path

import pytest

from runtime.kept import lookup
from runtime.nni_config import docs
from runtime.store import Store
from runtime.system.lock import is_held

DOCS = Path(__file__).parents[3] / "docs"
BLOCK = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_generated_tables_are_up_to_date():
    """If this fails, run `python -m runtime.nni_config.docs docs/`."""
    assert (DOCS / "config.md").read_text(encoding="utf-8") == docs.config_page()
    commands = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert docs.options_table() in commands
    assert docs.with_options(commands) == commands


@pytest.fixture
def project(folder, annotate):
    """The files that the page shows; ends everything that its commands start."""
    for _, name, text in BLOCK.findall((DOCS / "move-over.md").read_text(encoding="utf-8")):
        if name:
            (folder / name).write_text(text)
    yield folder
    for experiment in lookup.folders():
        if is_held(experiment.lock):
            os.kill(int(experiment.lock.read_text()), signal.SIGKILL)
    annotate("ui", "--stop")


def trials(state):
    experiment = list(lookup.folders())[-1]  # the oldest
    with Store.open(experiment.store) as store:
        return [trial for trial in store.trials() if trial.state.value == state]


def wait_for(state, seconds=60):
    end = time.monotonic() + seconds
    while not trials(state):
        assert time.monotonic() < end, f"no trial is {state}"
        time.sleep(0.05)
    return trials(state)[-1]


def test_every_step_of_the_page_runs(project, annotate):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    text = (DOCS / "move-over.md").read_text(encoding="utf-8")
    lines = [
        line for kind, _, body in BLOCK.findall(text) if kind == "sh" for line in body.split("\n")
    ]
    said, killed = {}, None
    for line in filter(None, lines):
        words = shlex.split(line.replace("8080", port))[1:]
        if words[:2] == ["trial", "kill"]:
            killed = wait_for("RUNNING")
        if words == ["stop"]:
            wait_for("SUCCEEDED")
        words = [killed.id if word == "TRIAL" else word for word in words]
        said[line] = annotate(*words).stdout
    assert "moving over" in said["nnictl experiment list"]
    assert trials("USER_CANCELED")[0].id == killed.id
    assert len((project / "results.csv").read_text().splitlines()) > 1
    values = [row["value"] for row in json.loads((project / "results.json").read_text())]
    assert any(isinstance(value, float) for value in values)
    assert "annotated/lr/loguniform" in json.loads((project / "generated.json").read_text())
    assert "Best: trial" in said["annotate run annotated.py --max-trials 5"]
