"""Trials in jobs of Slurm: a real Slurm on this machine, and breaks of all kinds."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import time

import pytest

from annotate.errors import AnnotateError
from runtime.executors.slurm.executor import SlurmExecutor
from runtime.executors.slurm.request import SlurmRequest
from runtime.store import Store
from tests.runtime.executors.conformance import ExecutorConformance
from tests.runtime.executors.conftest import make_plan
from tests.runtime.executors.slurm.cluster import Cluster, missing

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

SCRIPT = """\
import os, sys, time
x = 0.5  # @nni.uniform(0, 1)
with open(os.environ["NNI_OUTPUT_DIR"] + "/starts", "a") as file:
    file.write("started\\n")
for step in range(STEPS):
    # @nni.report_intermediate_result(x + step)
    print("step", step, flush=True)
    time.sleep(0.05)
# @nni.report_final_result(x)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    cluster.write()
    for name in ("slurmctld", "n1", "n2"):
        cluster.start(name)
    try:
        cluster.wait_for_nodes()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in cluster.variables.items():
                patch.setenv(name, value)
            yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="module")
def shared(cluster, tmp_path_factory):
    """An executor with a pilot, and a function that says where its events go."""
    inboxes = [queue.Queue()]
    plan = make_plan(tmp_path_factory.mktemp("shared"), "SHARED")
    request = SlurmRequest(("--time=10",), pilots=1, slots=2)
    executor = SlurmExecutor(lambda event: inboxes[-1].put(event), request, plan, print)
    yield executor, inboxes.append
    executor.close()


class TestSlurm(ExecutorConformance):
    @pytest.fixture
    def create(self, cluster, plan):
        request = SlurmRequest(("--time=10",))
        return lambda post: SlurmExecutor(post, request, plan)

    @pytest.fixture
    def executor(self, shared, inbox):
        executor, send_to = shared
        send_to(inbox)
        return executor


class Project:
    """A project with a script, and a user's commands in it."""

    def __init__(self, folder):
        self.folder = folder / "it's a project"
        self.folder.mkdir()
        self.processes = []
        self.home = folder / "experiments"
        self.environment = {**os.environ, "ANNOTATE_HOME": str(self.home), "A_SECRET": "s3cr3t"}

    def write(self, steps):
        (self.folder / "train.py").write_text(SCRIPT.replace("STEPS", str(steps)))

    def start(self, *words):
        process = subprocess.Popen(
            [sys.executable, "-m", "annotate_hpo", *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes:
            process.kill()
            process.communicate()

    def run(self, *words, code=0):
        return self.finish(self.start(*words), code)

    def finish(self, process, code=0):
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, err
        return out, err

    @property
    def experiment(self):
        (folder,) = self.home.glob("experiments/*/")
        return folder

    def trials(self):
        with Store.open(self.experiment / "experiment.db") as store:
            return list(store.trials())

    def wait_for(self, condition):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError, ValueError, IndexError, KeyError, AnnotateError):
                if condition():
                    return
            time.sleep(0.05)
        raise AssertionError("it does not happen")

    def wait_for_steps(self, *trials):
        """Wait until each of the trials has printed something."""
        self.wait_for(lambda: all(self.lines(trial, "stdout") > 2 for trial in trials))

    def lines(self, trial, name):
        path = self.experiment / "trials" / str(trial) / name
        return len(path.read_text().splitlines())

    def job(self, trial):
        """The ID of the job in which a trial runs."""
        return self.trials()[trial].place["machine"].removeprefix("slurm-")

    def check(self, trials, steps):
        """Each trial ran once, and everything that it wrote came home once."""
        for trial in trials:
            assert self.lines(trial, "stdout") == steps
            assert self.lines(trial, "output/starts") == 1
        assert [t.reports for t in self.trials()] == [steps] * len(trials)
        assert all(t.metric is not None for t in self.trials())


@pytest.fixture
def project(cluster, tmp_path):
    project = Project(tmp_path)
    yield project
    project.close()


def test_pilots_run_trials_and_leave_nothing_behind(project, cluster):
    project.write(3)
    out, _ = project.run(
        "run", "train.py", "--slurm", "pilots=2,time=10", "--max-trials", "6", "--json"
    )
    assert len({trial["machine"] for trial in json.loads(out)["trials"]}) == 2
    project.check(range(6), 3)
    name = project.experiment.name
    for node in ("n1", "n2"):
        root = cluster.home(node) / ".local/share/annotate/agent"
        assert list(root.glob(f"experiments/{name}*")) == []
    project.wait_for(lambda: name not in cluster.ask("squeue", "-h", "-o", "%j"))
    kept = [path.read_bytes() for path in (cluster.folder / "state").rglob("*") if path.is_file()]
    assert not any(b"s3cr3t" in data for data in kept)


def test_jobs_of_one_trial_each(project, cluster):
    project.write(3)
    words = ["--slurm", "time=10", "--concurrency", "2", "--max-trials", "3", "--json"]
    out, _ = project.run("run", "train.py", *words)
    assert len({trial["machine"] for trial in json.loads(out)["trials"]}) == 3
    project.check(range(3), 3)


def test_a_job_cancelled_by_hand_cancels_its_trial(project, cluster):
    project.write(2000)
    run = project.start(
        "run", "train.py", "--slurm", "time=10", "--max-trials", "1", "--max-duration", "60s"
    )
    project.wait_for_steps(0)
    job = project.job(0)
    cluster.ask("scancel", job)
    run.communicate(timeout=120)
    (trial,) = project.trials()
    assert (trial.state.value, trial.reason) == (
        "USER_CANCELED",
        f"Slurm job {job} was cancelled",
    )


def test_trials_of_a_cancelled_pilot_run_again(project, cluster):
    project.write(60)
    run = project.start("run", "train.py", "--slurm", "pilots=1,time=10", "--max-trials", "1")
    project.wait_for_steps(0)
    job = project.job(0)
    cluster.ask("scancel", job)
    _, err = project.finish(run)
    assert f"trial 0 was interrupted because Slurm job {job} was cancelled" in err
    project.check([0], 60)


def test_trials_that_outlive_their_driver_are_taken_up_again(project, cluster):
    project.write(80)
    run = project.start("run", "train.py", "--slurm", "pilots=2,time=10", "--max-trials", "2")
    project.wait_for_steps(0, 1)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    jobs = [project.job(0), project.job(1)]
    project.run("resume", project.experiment.name)
    project.check(range(2), 80)
    assert [project.job(0), project.job(1)] == jobs


@pytest.mark.engines
def test_trials_run_on_while_the_controller_is_down(project, cluster):
    project.write(80)
    run = project.start("run", "train.py", "--slurm", "pilots=1,time=10", "--max-trials", "1")
    project.wait_for_steps(0)
    cluster.stop("slurmctld")
    try:
        project.wait_for(lambda: project.trials()[0].state.ended)
    finally:
        cluster.start("slurmctld")
        cluster.wait_for_nodes()
    project.finish(run)
    project.check([0], 80)


@pytest.mark.engines
def test_trials_of_a_lost_node_run_again(project, cluster):
    project.write(60)
    words = ["--slurm", "pilots=1,time=10,nodelist=n2", "--max-trials", "1"]
    run = project.start("run", "train.py", *words)
    project.wait_for_steps(0)
    job = project.job(0)
    cluster.lose("n2")
    try:
        project.wait_for(lambda: waits(project))
    finally:
        cluster.start("n2")
        cluster.wait_for_nodes()
    _, err = project.finish(run)
    reasons = (f"the node of Slurm job {job} failed", f"Slurm job {job} ended (FAILED)")
    assert any(f"trial 0 was interrupted because {reason}" in err for reason in reasons)
    project.check([0], 60)


def waits(project):
    return project.trials()[0].state.value == "WAITING"


def test_why_a_trial_waits(project, cluster):
    project.write(1)
    words = ["--slurm", "time=10,begin=now+1hour", "--trial-timeout", "1s", "--max-trials", "1"]
    run = project.start("run", "train.py", *words)
    project.wait_for(lambda: (project.trials()[0].reason or "").endswith("waits: BeginTime"))
    began = project.trials()[0].created
    project.wait_for(lambda: time.time() > began + 2)
    assert waits(project), "time in the queue counts for no limit"
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    name = project.experiment.name
    project.wait_for(lambda: name not in cluster.ask("squeue", "-h", "-o", "%j"))


def test_an_impossible_request_shows_slurms_reason(project, cluster):
    project.write(1)
    _, err = project.run("run", "train.py", "--slurm", "gres=gpu:5", code=2)
    assert "Requested node configuration is not available" in err
    assert not project.home.exists()
