"""Trials in actors of Ray: a real cluster of two nodes on this machine, and breaks of all kinds."""

import json
import queue
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from runtime.cli import engines_ray
from runtime.executors.ray.executor import RayExecutor
from runtime.executors.ray.placing import Demand
from runtime.executors.ray.request import RayRequest
from runtime.store import Store
from tests.runtime.executors.conformance import ExecutorConformance
from tests.runtime.executors.conftest import make_plan
from tests.runtime.executors.ray.cluster import HEAD, OTHER

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def shared(cluster, tmp_path_factory):
    """An executor with two slots, and a function that says where its events go."""
    inboxes = [queue.Queue()]
    plan = make_plan(tmp_path_factory.mktemp("shared"), "SHARED")
    request = RayRequest(cluster.address)
    executor = RayExecutor(lambda event: inboxes[-1].put(event), request, plan, Demand(2), print)
    yield executor, inboxes.append
    executor.close()


class TestRay(ExecutorConformance):
    @pytest.fixture
    def create(self, cluster, plan):
        request = RayRequest(cluster.address)
        return lambda post: RayExecutor(post, request, plan, Demand(1), print)

    @pytest.fixture
    def executor(self, shared, inbox):
        executor, send_to = shared
        send_to(inbox)
        return executor


def test_the_client_of_ray_leads_to_trials_too(cluster, project):
    """Where no socket reaches the nodes."""
    project.write(3)
    address = f"ray://{HEAD}:{cluster.client_port}"
    out, err = project.run("run", "train.py", "--ray", address, "--max-trials", "4", "--json")
    assert len(json.loads(out)["trials"]) == 4
    assert "Ray" not in err
    project.check(range(4), 3)


def test_trials_run_on_all_nodes_with_the_gpus_that_ray_gives_to_them(cluster, project):
    project.write(3)
    script = project.folder / "train.py"
    script.write_text(f"{script.read_text()}print(os.environ.get('CUDA_VISIBLE_DEVICES'))\n")
    words = ["run", "train.py", "--ray", f"{cluster.address},cpus=1", "--concurrency", "4"]
    out, err = project.run(*words, "--max-trials", "4", "--json")
    assert {trial["machine"] for trial in json.loads(out)["trials"]} == {HEAD, OTHER}
    assert "Ray" not in err, "it prints nothing of its own"
    assert list(cluster.agents.glob("*")) == []
    cluster.wait_until_idle()
    assert cluster.actors() == []


def test_trials_that_ask_for_gpus_have_them_for_themselves(cluster, project):
    (project.folder / "train.py").write_text(
        "import os, time\nx = 0.5  # @nni.uniform(0, 1)\n"
        "print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['OMP_NUM_THREADS'])\n"
        "time.sleep(1)\n# @nni.report_final_result(x)\n"
    )
    words = ["--ray", f"{cluster.address},cpus=1", "--gpus", "1", "--max-trials", "4", "--json"]
    out, _ = project.run("run", "train.py", *words)
    assert {trial["machine"] for trial in json.loads(out)["trials"]} == {HEAD}
    printed = [
        (project.experiment / "trials" / str(trial) / "stdout").read_text() for trial in range(4)
    ]
    assert sorted(printed) == ["0 1\n", "0 1\n", "1 1\n", "1 1\n"]


def test_trials_that_outlive_their_driver_are_taken_up_again(cluster, project):
    project.write(200)
    run = project.start(
        "run", "train.py", "--ray", cluster.address, "--concurrency", "2", "--max-trials", "2"
    )
    project.wait_for_steps([0, 1])
    run.send_signal(signal.SIGKILL)
    run.communicate()
    before = places(project)
    project.run("resume", project.experiment.name)
    project.check(range(2), 200)
    assert places(project) == before


def places(project):
    with Store.open(project.experiment / "experiment.db") as store:
        return [trial.place for trial in store.trials()]


def test_a_lost_node_costs_only_its_trials_which_run_again(cluster, project):
    project.write(100)
    run = project.start(
        "run", "train.py", "--ray", cluster.address, "--concurrency", "2", "--max-trials", "2"
    )
    project.wait_for_steps([0, 1])
    on_other = [n for n, place in enumerate(places(project)) if place["machine"] == OTHER]
    try:
        cluster.kill_node(OTHER)
        _, err = run.communicate(timeout=120)
    finally:
        cluster.start_node(OTHER)
    assert run.returncode == 0, err
    assert len(on_other) == 1
    assert err.count("it will run again") == 1
    assert f"trial {on_other[0]} was interrupted because {OTHER}: " in err
    assert "Ray" not in err
    project.check([0, 1], 100)


def test_nothing_is_left_of_an_actor_that_ray_kills(cluster, project):
    """Ray kills the actor's own process only; the agent sees that and sweeps."""
    (project.folder / "train.py").write_text(
        "import subprocess, sys, time\nx = 0.5  # @nni.uniform(0, 1)\n"
        "child = 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)'\n"
        "for new_session in (False, True):\n"
        "    process = subprocess.Popen([sys.executable, '-c', child, 'ray-test-orphan'],"
        " start_new_session=new_session)\n"
        "    print(process.pid, flush=True)\n"
        "print('started', flush=True)\n"
        "time.sleep(600)\n# @nni.report_final_result(x)\n"
    )
    run = project.start("run", "train.py", "--ray", cluster.address, "--max-trials", "1")
    project.wait_for_steps([0])
    pids = (project.experiment / "trials" / "0" / "stdout").read_text().split()[:2]
    actor = places(project)[0]["actor"]
    cluster.evaluate(f"ray.kill(ray.get_actor({actor!r}))")
    until = time.monotonic() + 60
    while any(psutil.pid_exists(int(pid)) for pid in pids):
        assert time.monotonic() < until, "processes are left"
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert list(cluster.agents.glob(f"{project.experiment.name}*")) == []


def test_a_trial_shows_why_it_waits(cluster, project):
    project.write(1)
    run = project.start(
        "run", "train.py", "--ray", f"{cluster.address},gpus=5", "--max-trials", "1"
    )
    why = "no node of the Ray cluster has 5 GPU: at most 2"
    assert f"trials wait: {why}\n" in run.stderr
    with Store.open(project.experiment / "experiment.db") as store:
        assert [trial.reason for trial in store.trials()] == [why]
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    cluster.wait_until_idle()
    assert cluster.actors() == []


def test_a_local_cluster_ends_with_the_experiment(cluster, project):
    project.write(3)
    project.environment["RAY_TMPDIR"] = str(cluster.folder / "local")
    out, err = project.run("run", "train.py", "--ray", "local", "--max-trials", "3", "--json")
    assert len(json.loads(out)["trials"]) == 3
    assert "ray" not in err.lower(), "it prints nothing of its own"
    project.check(range(3), 3)
    of_ray = f"--session-dir={cluster.folder}/local"
    until = time.monotonic() + 60
    while any(
        of_ray in " ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])
    ):
        assert time.monotonic() < until, "processes are left"
        time.sleep(0.5)


def test_trials_of_a_job_of_ray_run_on_its_cluster(cluster, project):
    pytest.importorskip("aiohttp_cors", reason='needs pip install "ray[default]"')
    project.write(3)
    home = f"ANNOTATE_HOME={shlex.quote(project.environment['ANNOTATE_HOME'])}"
    annotate = f"{home} {sys.executable} -m annotate_hpo run train.py --ray auto --max-trials 3"
    address = cluster.evaluate("'http://' + cluster.webui_url")
    command = [str(Path(sys.executable).with_name("ray")), "job", "submit", "--address", address]
    command += ["--", "sh", "-c", f"cd {shlex.quote(str(project.folder))} && {annotate}"]
    until, printed = time.monotonic() + 60, "No available agent"
    while "No available agent" in printed and time.monotonic() < until:
        done = subprocess.run(
            command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200
        )
        printed = done.stdout
    assert "3 succeeded" in printed
    assert done.returncode == 0, printed
    project.check(range(3), 3)


def test_engines_check_shows_each_node(cluster, project):
    request = f"{cluster.address},gpus=1"
    out, _ = project.run("engines", "check", "--ray", request, "--json")
    nodes = {node["machine"]: node for node in json.loads(out)}
    assert [nodes[name]["usable"] for name in (HEAD, OTHER)] == [True, False]
    assert nodes[HEAD]["trials_at_a_time"] == 2
    assert nodes[HEAD]["free_resources"] == {"CPU": 4, "GPU": 2}
    assert nodes[HEAD]["python"] == sys.executable
    printed = [engines_ray.shown(nodes[name]) for name in (HEAD, OTHER)]
    page = (Path(__file__).parents[4] / "docs" / "ray.md").read_text()
    (transcript,) = re.findall(r"\$ annotate engines check .*\n((?:.|\n)+?)```", page)
    assert words("\n\n".join(printed)) == words(transcript.rstrip())
    assert cluster.actors() == []


def test_platform_clean_removes_what_agents_left_on_the_nodes(cluster, project):
    (cluster.agents / "Abandoned").mkdir(parents=True)
    (cluster.agents / "Abandoned" / "data").write_bytes(b"." * 2_000_000)
    out, _ = project.run("platform", "clean", "--ray", cluster.address)
    assert re.search(r"removed 1 experiment \(Abandoned\), ", out)
    assert not cluster.agents.parent.exists()


def words(text):
    """The text without what differs between machines: numbers, and names and paths behind them."""
    rows = []
    for line in text.splitlines():
        label, _, value = line.strip().partition("   ")
        differs = label in ("computer", "Python", "free disk") or value == ""
        rows.append(
            (label if value else "", "" if differs else re.sub(r"[\d.]+", "N", value.strip()))
        )
    return rows
