"""The local executor keeps the contract: in new processes, in forks, and without pidfds."""

import dataclasses
import os
import signal
import subprocess
import sys

import pytest

from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.executors.local.executor import LocalExecutor
from runtime.loop.job import stage, warm
from runtime.stage.agent import leftovers
from tests.runtime.executors.conformance import ExecutorConformance


class TestNewProcesses(ExecutorConformance):
    """Each trial is a new process."""

    @pytest.fixture
    def create(self):
        return LocalExecutor


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
    def server_command(self, experiment, tmp_path):
        config = Config("train.py", str(tmp_path), sys.executable)
        return warm(config, experiment, dict(os.environ))

    @pytest.fixture
    def create(self, server_command):
        return lambda post: LocalExecutor(post, server_command)

    @pytest.fixture
    def adapt(self, experiment, server_command):
        def adapted(job):
            if job.command[0] != server_command.python:
                return job
            environment = {**server_command.environment, "NNI_FILE": str(job.folder.metrics)}
            argv = ("train.py", job.command[-1])
            command = (server_command.python, str(experiment.stage / "annotate_run.py"), *argv)
            return dataclasses.replace(job, command=command, argv=argv, environment=environment)

        return adapted

    def test_trials_are_forked(self, executor, inbox, job, caplog):
        caplog.set_level("INFO")
        executor.start(job(0, "assert os.getppid() != " + str(os.getpid())))
        assert self.until_ended(inbox, 0)[-1].code == 0
        assert "trials are forked from a process with no library imported" in caplog.text


class TestWithoutPidfd(ExecutorConformance):
    """A system without pidfds, where the end of a process has to be polled for."""

    @pytest.fixture
    def create(self, monkeypatch):
        monkeypatch.delattr(os, "pidfd_open", raising=False)
        return LocalExecutor


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
    following = LocalExecutor(lambda event: None, None, stage)
    try:
        marked = leftovers.find(leftovers.of_experiment(stage))
        assert marked == [following._runner._watchdog._popen.pid]
        assert left.wait(timeout=60) == -signal.SIGKILL
    finally:
        following.close()
        left.stdin.close()
        left.stdout.close()
    assert leftovers.find(leftovers.of_experiment(stage)) == []
