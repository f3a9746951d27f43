"""What every executor does, in real processes."""

import dataclasses
import os
import queue
import signal
import subprocess
import sys
import time

import pytest

from annotate.errors import AnnotateError
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder, TrialFolder
from runtime.executors.base import Ended, Job, Reported, Started
from runtime.executors.local.executor import LocalExecutor, leftovers
from runtime.loop.job import stage, warm
from tests.runtime.processes import runs

REPORT = (
    "import json, os\n"
    "def report(value, kind='intermediate'):\n"
    "    with open(os.environ['NNI_FILE'], 'a') as file:\n"
    "        file.write(json.dumps({'type': kind, 'value': value, 'time': 1}) + '\\n')\n"
)


class ExecutorSuite:
    """The rules of the base class; a subclass says how to make the executor."""

    def make(self, post):
        raise NotImplementedError

    @pytest.fixture
    def inbox(self):
        return queue.Queue()

    @pytest.fixture
    def executor(self, inbox):
        made = self.make(inbox.put)
        yield made
        made.close()

    @pytest.fixture
    def job(self, tmp_path):
        def make(number, code, command=(sys.executable, "-c")):
            folder = TrialFolder(tmp_path / "it's" / str(number))
            folder.output.mkdir(parents=True, exist_ok=True)
            environment = {**os.environ, "NNI_FILE": str(folder.metrics)}
            made = Job(number, folder, (*command, REPORT + code), tmp_path, environment)
            return self.adapted(made)

        return make

    def adapted(self, job):
        """The same job as this executor is to be given it."""
        return job

    def until_ended(self, inbox, trial, timeout=60.0):
        events = []
        deadline = time.monotonic() + timeout
        while not (events and isinstance(events[-1], Ended) and events[-1].trial == trial):
            event = inbox.get(timeout=max(0.01, deadline - time.monotonic()))
            if event.trial == trial:
                events.append(event)
        return events

    @pytest.mark.parametrize(
        ("code", "expected"),
        [("pass", 0), ("raise SystemExit(3)", 3), ("os.kill(os.getpid(), 9)", -9), ("1 / 0", 1)],
    )
    def test_a_job_is_started_and_ends_with_its_code(self, executor, inbox, job, code, expected):
        executor.start(job(0, code))
        first, *_, last = self.until_ended(inbox, 0)
        assert isinstance(first, Started)
        assert last.code == expected

    def test_every_report_comes_before_the_end(self, executor, inbox, job):
        executor.start(job(0, "for n in range(5000): report(n)"))
        events = self.until_ended(inbox, 0)
        values = [r.value for e in events if isinstance(e, Reported) for r in e.batch.reports]
        assert values == list(range(5000))

    def test_a_report_comes_while_the_job_runs(self, executor, inbox, job):
        executor.start(job(0, "import time\nreport(1)\ntime.sleep(60)"))
        while not isinstance(inbox.get(timeout=60), Reported):
            pass
        executor.stop(0, grace=10)
        assert self.until_ended(inbox, 0)[-1].code == -signal.SIGTERM

    def test_output_goes_to_the_jobs_own_files(self, executor, inbox, job):
        made = job(0, "import sys\nprint('out')\nprint('err', file=sys.stderr)")
        executor.start(made)
        self.until_ended(inbox, 0)
        assert made.folder.stdout.read_text() == "out\n"
        assert made.folder.stderr.read_text() == "err\n"

    def test_jobs_run_side_by_side(self, executor, inbox, job, tmp_path):
        meet = (
            f"import time\nplace = {str(tmp_path)!r}\nopen(place + '/met' + NAME, 'w')\n"
            "while len([n for n in os.listdir(place) if n.startswith('met')]) < 2:"
            " time.sleep(0.01)"
        )
        for number in (0, 1):
            executor.start(job(number, f"NAME = '{number}'\n{meet}"))
        codes = {}
        while len(codes) < 2:
            event = inbox.get(timeout=60)
            if isinstance(event, Ended):
                codes[event.trial] = event.code
        assert codes == {0: 0, 1: 0}

    def test_a_job_that_will_not_end_is_ended_by_force(self, executor, inbox, job):
        executor.start(
            job(
                0,
                "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                "report(1)\ntime.sleep(60)",
            )
        )
        while not isinstance(inbox.get(timeout=60), Reported):
            pass
        executor.stop(0, grace=0.2)
        assert self.until_ended(inbox, 0)[-1].code == -signal.SIGKILL

    def test_what_a_job_left_running_goes_with_it(self, executor, inbox, job):
        code = (
            "import subprocess, sys\n"
            "child = subprocess.Popen([sys.executable, '-c', 'import signal, time; "
            "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)'])\n"
            "report(child.pid)\n"
        )
        executor.start(job(0, code))
        events = self.until_ended(inbox, 0)
        (pid,) = [r.value for e in events if isinstance(e, Reported) for r in e.batch.reports]
        assert _is_gone(pid)

    def test_stopping_what_does_not_run_does_nothing(self, executor, inbox, job):
        executor.stop(7, grace=1)
        executor.start(job(0, "pass"))
        self.until_ended(inbox, 0)
        executor.stop(0, grace=0)

    def test_a_number_can_run_again(self, executor, inbox, job):
        executor.start(job(0, "pass"))
        self.until_ended(inbox, 0)
        executor.start(job(0, "raise SystemExit(4)"))
        assert self.until_ended(inbox, 0)[-1].code == 4

    def test_a_command_that_is_not_there_is_said_at_once(self, executor, inbox, job):
        with pytest.raises(AnnotateError, match="/no/such/python cannot be started"):
            executor.start(job(0, "", command=("/no/such/python",)))

    def test_closing_ends_what_runs(self, inbox, job):
        executor = self.make(inbox.put)
        executor.start(job(0, "import time\nreport(os.getpid())\ntime.sleep(60)"))
        while not isinstance(event := inbox.get(timeout=60), Reported):
            pass
        executor.close()
        assert _is_gone(event.batch.reports[0].value)


class TestLocalExecutor(ExecutorSuite):
    def make(self, post):
        return LocalExecutor(post)


class TestForkedTrials(ExecutorSuite):
    """The same in forks of a server, which runs the code that it is given as an argument."""

    @pytest.fixture(autouse=True)
    def _stage(self, tmp_path):
        self.experiment = ExperimentFolder(tmp_path / "it's" / "EXP")
        stage(self.experiment.stage, tmp_path)
        for folder in (tmp_path, self.experiment.snapshot / "code"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "train.py").write_text("import sys\nexec(sys.argv[1])\n")
        self.config = Config("train.py", str(tmp_path), sys.executable)
        self.warm = warm(self.config, self.experiment, dict(os.environ))

    def make(self, post):
        return LocalExecutor(post, self.warm)

    def adapted(self, job):
        if job.command[0] != self.config.python:
            return job
        environment = {**self.warm.environment, "NNI_FILE": str(job.folder.metrics)}
        argv = ("train.py", job.command[-1])
        command = (self.config.python, str(self.experiment.stage / "run.py"), *argv)
        return dataclasses.replace(job, command=command, argv=argv, environment=environment)

    def test_trials_are_forked(self, executor, inbox, job, caplog):
        caplog.set_level("INFO")
        executor.start(job(0, "assert os.getppid() != " + str(os.getpid())))
        assert self.until_ended(inbox, 0)[-1].code == 0
        assert "trials are forked from a process with no library imported" in caplog.text


class TestLocalExecutorWithoutPidfd(ExecutorSuite):
    """As on a system that can't wait for a process by a file descriptor."""

    @pytest.fixture(autouse=True)
    def _no_pidfd(self, monkeypatch):
        monkeypatch.delattr(os, "pidfd_open", raising=False)

    def make(self, post):
        return LocalExecutor(post)


def _is_gone(pid, within=60.0):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not runs(pid):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="found by /proc")
def test_what_watched_for_a_dead_driver_does_not_end_what_the_next_one_starts(tmp_path):
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
        "import os, sys; from runtime.executors.local.leftovers import Watchdog;"
        " Watchdog(sys.argv[1]); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", driver, stage], check=False)
    following = LocalExecutor(lambda event: None, None, stage)
    try:
        marked = leftovers.find(leftovers.of_experiment(stage))
        assert marked == [following._watchdog._popen.pid]
        assert left.wait(timeout=60) == -signal.SIGKILL
    finally:
        following.close()
        left.stdin.close()
        left.stdout.close()
    assert leftovers.find(leftovers.of_experiment(stage)) == []
