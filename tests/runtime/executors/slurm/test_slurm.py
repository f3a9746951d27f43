"""Trials in jobs of Slurm: a real Slurm on this machine, and breaks of all kinds."""

import json
import queue
import signal
import time

import pytest

from runtime.core.slurm_request import SlurmRequest
from runtime.executors.slurm.executor import SlurmExecutor
from tests.runtime.executors.conformance import ExecutorConformance
from tests.runtime.executors.conftest import make_plan


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
