"""The local executor keeps the contract: in new processes, in forks, and without pidfds."""

import dataclasses
import os
import queue
import signal
import subprocess
import sys

import pytest

from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder, TrialFolder
from runtime.executors.base import Job, Reported
from runtime.executors.layout import Layout
from runtime.executors.local.executor import LocalExecutor
from runtime.loop.job import layout, stage
from runtime.stage.agent import leftovers, metrics_watch
from tests.runtime.executors.conformance import REPORT, ExecutorConformance

SLEEP = "print('ready', flush=True)\nimport time\ntime.sleep(600)"
LATE = "import time\nreport(1)\ntime.sleep(600)"


@pytest.fixture
def create_plain(tmp_path):
    """Makes executors that start a new process for each trial."""
    here = Layout("local", sys.executable, str(tmp_path / "stage"), str(tmp_path), dict(os.environ))
    return lambda post: LocalExecutor(post, here)


class TestNewProcesses(ExecutorConformance):
    """Each trial is a new process."""

    @pytest.fixture
    def create(self, create_plain):
        return create_plain


class TestForkedProcesses(ExecutorConformance):
    """Each trial is a fork of a server, whose script runs the code in its first argument."""

    @pytest.fixture
    def experiment(self, tmp_path):
        experiment = ExperimentFolder(tmp_path / "it's" / "EXP")
        stage(experiment.stage, tmp_path)
        for folder in (tmp_path, experiment.snapshot / "code"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "train.py").write_text("import sys\nexec(sys.argv[1])\n")
        return experiment

    @pytest.fixture
    def create(self, experiment, tmp_path):
        config = Config("train.py", str(tmp_path), sys.executable)
        here = layout(config, experiment, dict(os.environ))
        return lambda post: LocalExecutor(post, here, "train.py")

    @pytest.fixture
    def adapt(self):
        def adapted(job):
            if job.command[0] != sys.executable:
                return job
            return dataclasses.replace(job, argv=("train.py", job.command[-1]))

        return adapted

    def test_trials_are_forked(self, executor, inbox, job, caplog):
        caplog.set_level("INFO")
        executor.start(job(0, "assert os.getppid() != " + str(os.getpid())))
        assert self.until_ended(inbox, 0)[-1].code == 0
        assert "trials are forked from a process with no library imported" in caplog.text


class TestWithoutPidfd(ExecutorConformance):
    """A system without pidfds, where the end of a process has to be polled for."""

    @pytest.fixture
    def create(self, create_plain, monkeypatch):
        monkeypatch.delattr(os, "pidfd_open", raising=False)
        return create_plain


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs inotify")
def test_a_runner_waits_for_events_while_its_trials_sleep(create_plain, tmp_path, until):
    inbox = queue.SimpleQueue()
    executor = create_plain(inbox.put)
    sleeping = Job(0, TrialFolder(tmp_path / "0"), None, (sys.executable, "-c", SLEEP))
    limited = dataclasses.replace(
        sleeping, trial=1, folder=TrialFolder(tmp_path / "1"), memory=1 << 40
    )
    try:
        assert executor._runner.timeout() is None
        for job in (sleeping, limited):
            job.folder.path.mkdir()
            executor.start(job)
            until(lambda job=job: job.folder.stdout.read_text() == "ready\n")
            if job is sleeping:
                until(lambda: executor._runner.timeout() > 1)
        until(lambda: executor._runner._usage_interval <= 0.5)  # its memory is measured often
    finally:
        executor.close()


def test_reports_arrive_where_the_system_tells_of_no_changes(create_plain, tmp_path, monkeypatch):
    monkeypatch.setattr(metrics_watch, "events_in", lambda folder: None)
    inbox = queue.SimpleQueue()
    executor = create_plain(inbox.put)
    job = Job(0, TrialFolder(tmp_path / "0"), None, (sys.executable, "-c", REPORT + LATE))
    job.folder.path.mkdir()
    executor.start(job)
    try:
        while not isinstance(inbox.get(timeout=60), Reported):
            pass
    finally:
        executor.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_an_old_watchdog_spares_the_next_drivers_trials(tmp_path):
    stage = str(tmp_path / "stage")
    stubborn = "import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True); input()"
    left = subprocess.Popen(
        [sys.executable, "-c", stubborn],
        env={"PYTHONPATH": stage},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert left.stdout.read(2) == b"1\n"
    driver = (
        "import os, sys; from runtime.stage.agent.leftovers import Watchdog;"
        " Watchdog(sys.argv[1]); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", driver, stage], check=False)
    layout = Layout("local", sys.executable, stage, str(tmp_path), dict(os.environ))
    following = LocalExecutor(lambda event: None, layout)
    try:
        marked = leftovers.find(leftovers.of_experiment(stage))
        assert marked == [following._runner._watchdog._popen.pid]
        assert left.wait(timeout=60) == -signal.SIGKILL
    finally:
        following.close()
        left.stdin.close()
        left.stdout.close()
    assert leftovers.find(leftovers.of_experiment(stage)) == []
