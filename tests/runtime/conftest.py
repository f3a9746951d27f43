"""Trials as an experiment runs them: a staged folder, the user's files, and ways to run."""

import dataclasses
import logging
import os
import queue
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import Origin, Trial, TrialState
from runtime.executors.base import Ended
from runtime.executors.local.executor import LocalExecutor
from runtime.gpus.leases import Lease
from runtime.kept import lookup
from runtime.loop.job import job, layout, stage
from runtime.store import Store
from tests.conftest import INTERPRETERS


@dataclasses.dataclass
class Staged:
    """An experiment's folder, and trials in it that run with the interpreter `python`."""

    experiment: ExperimentFolder
    folder: Path
    python: str
    log: pytest.LogCaptureFixture

    def write(self, files, frozen):
        """Write the user's files, and the snapshot's copies of some of them."""
        _write(self.folder, files)
        _write(self.experiment.snapshot / "code", {**files, **frozen})

    def job(self, argv=("train.py",), number=0, values=None, **environment):
        trial = Trial(number, f"id{number}", Origin.USER, TrialState.WAITING, values or {})
        lease = Lease((), environment, ())
        return job(self.config(argv), self.experiment, trial, lease)

    def executor(self, post, script="train.py"):
        """An executor that forks the trials of the script."""
        return LocalExecutor(post, self.layout(), script)

    def layout(self):
        return layout(self.config(["train.py"]), self.experiment, os.environ)

    def config(self, argv):
        return Config(argv[0], str(Path.cwd()), self.python, tuple(argv[1:]))

    def run(self, command, files, frozen, *, code=0, cwd=None):
        """Run a command in which RUN stands for our command line for scripts."""
        self.write(files, frozen)
        task = self.layout().task(self.job(), str(self.experiment.trial(0).path))
        words = {"PYTHON": [self.python], "RUN": task.command[:2]}
        done = subprocess.run(
            [part for word in command for part in words.get(word, [word])],
            cwd=cwd or self.folder,
            env=dict(task.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    @staticmethod
    def until_ended(inbox, timeout=60.0):
        """Read events until a trial has ended, and return that event."""
        until = time.monotonic() + timeout
        while True:
            event = inbox.get(timeout=max(0.01, until - time.monotonic()))
            if isinstance(event, Ended):
                return event

    def fork(self, argv, files, frozen, *, code=0):
        """Have a server fork the script."""
        self.write(files, frozen)
        inbox = queue.Queue()
        job = self.job(argv)
        executor = self.executor(inbox.put, argv[0])
        executor.start(job)
        done = self.until_ended(inbox, 180.0)
        executor.close()
        assert "trials are forked" in self.log.text, self.log.text
        out, err = job.folder.stdout.read_text(), job.folder.stderr.read_text()
        job.folder.stdout.unlink()
        job.folder.stderr.unlink()
        assert code is None or done.code == code, err
        return subprocess.CompletedProcess(argv, done.code, out, err)


def _write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


@pytest.fixture
def staged(tmp_path, folder, python, caplog):
    caplog.set_level(logging.INFO)
    experiment = ExperimentFolder(tmp_path / "home" / "EXP")
    stage(experiment.stage, folder)
    return Staged(experiment, folder, python, caplog)


@pytest.fixture
def run(staged):
    return staged.run


@pytest.fixture(params=["process", "fork"])
def run_script(request, staged):
    """Run a script as a trial, both in a new process and in a fork."""

    def run(files, frozen, argv=("train.py",), *, code=0):
        if request.param == "fork":
            return staged.fork(argv, files, frozen, code=code)
        return staged.run(["RUN", *argv], files, frozen, code=code)

    return run


def pytest_collection_modifyitems(items):
    """Of the Pythons between the oldest and the newest, run scripts in one way each, in turn."""
    between = sorted(INTERPRETERS, key=_version)[1:-1]
    turns = {python: ("process", "fork")[n % 2] for n, python in enumerate(between)}
    items[:] = [item for item in items if _is_its_turn(item, turns)]


def _is_its_turn(item, turns):
    params = item.callspec.params if hasattr(item, "callspec") else {}
    turn = turns.get(params.get("python"))
    return turn is None or params.get("run_script", turn) == turn


def _version(python):
    done = subprocess.run([python, "-V"], capture_output=True, text=True, check=True)
    return [int(number) for number in re.findall("[0-9]+", done.stdout)]


_UNTIL_GO = """\
import pathlib, time
x = 0.5  # @nni.uniform(0, 1)
# @nni.report_intermediate_result(x)
while not pathlib.Path("go").exists():
    time.sleep(0.02)
# @nni.report_final_result(x)
"""


@pytest.fixture
def driver(folder):
    """A driver whose trials run until a file named `go` exists."""
    (folder / "train.py").write_text(_UNTIL_GO)
    started = []

    def run(*words):
        command = [sys.executable, "-m", "annotate", "run", "train.py", "--json", *words]
        with (folder.parent / "driver.err").open("ab") as err:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=err, stdin=subprocess.DEVNULL
            )
        started.append(process)
        _until(lambda: any(f.requests.is_file() for f in lookup.folders()))
        return process, next(iter(lookup.folders()))

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def _until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


@pytest.fixture
def until():
    """Waits until a condition holds."""
    return _until


@pytest.fixture
def running():
    """The numbers of an experiment's running trials."""

    def numbers(folder):
        with Store.open(folder.store) as store:
            return [t.number for t in store.trials() if t.state.value == "RUNNING"]

    return numbers


class Drivers:
    """Background drivers, and ways to wait for their trials."""

    def __init__(self, home):
        self.home = home

    @staticmethod
    def start(*words):
        return subprocess.Popen(
            [sys.executable, "-m", "annotate", *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until_reported(self, number):
        """Wait until the trial has reported something."""
        pattern = f"experiments/*/trials/{number}/metrics.jsonl"
        _until(lambda: [p for p in self.home.glob(pattern) if p.stat().st_size])

    def experiment(self):
        (folder,) = (self.home / "experiments").glob("[!.]*")
        return ExperimentFolder(folder)


@pytest.fixture
def drivers(home):
    return Drivers(home)
