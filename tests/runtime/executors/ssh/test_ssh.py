"""Trials on machines that SSH reaches: real servers on this machine, and breaks of all kinds."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime.executors.remote.executor import RemoteExecutor
from runtime.executors.ssh.carrier import SshCarrier
from runtime.executors.ssh.host import Host
from runtime.store import Store
from tests.runtime.executors.conformance import ExecutorConformance
from tests.runtime.executors.ssh import servers

pytestmark = pytest.mark.skipif(
    servers.SSHD is None or os.getuid() != 0, reason="needs sshd, started as root"
)
pytest.importorskip("asyncssh")

SCRIPT = """\
import os, sys, time
x = 0.5  # @nni.uniform(0, 1)
with open("data/offset.txt") as file:
    offset = float(file.read())
place = os.environ["NNI_OUTPUT_DIR"]
with open(place + "/starts", "a") as file:
    file.write("started\\n")
for step in range(STEPS):
    # @nni.report_intermediate_result(x + offset + step)
    print("step", step, flush=True)
    time.sleep(0.05)
loss = x + offset
# @nni.report_final_result(loss)
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The running servers alpha and beta, and the home folder of a user who knows them."""
    hosts, home = servers.make(tmp_path_factory.mktemp("network"), ["alpha", "beta"])
    for host in hosts:
        host.start()
    yield hosts, home
    for host in hosts:
        host.stop()


class TestSsh(ExecutorConformance):
    @pytest.fixture
    def create(self, network, plan, monkeypatch):
        _, home = network
        monkeypatch.setenv("HOME", str(home))
        return lambda post: RemoteExecutor(post, [SshCarrier(Host("alpha"))], plan)


class Project:
    """A project with a script and its data, and a user's commands in it."""

    def __init__(self, folder, home):
        self.folder = folder / "it's a project"
        (self.folder / "data").mkdir(parents=True)
        (self.folder / "data" / "offset.txt").write_text("1.5")
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "ANNOTATE_HOME": str(folder / "experiments"),
        }

    def write(self, steps):
        (self.folder / "train.py").write_text(SCRIPT.replace("STEPS", str(steps)))

    def start(self, *words):
        return subprocess.Popen(
            [sys.executable, "-m", "annotate_hpo", *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words, code=0):
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, err
        return out, err

    @property
    def experiment(self):
        (folder,) = Path(self.environment["ANNOTATE_HOME"]).glob("experiments/*/")
        return folder

    def wait_for_steps(self, trials):
        """Wait until each of the trials has printed something."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError, ValueError):
                if all(self.lines(trial, "stdout") > 2 for trial in trials):
                    return
            time.sleep(0.05)
        raise AssertionError("the trials print nothing")

    def lines(self, trial, name):
        path = self.experiment / "trials" / str(trial) / name
        return len(path.read_text().splitlines())

    def check(self, trials, steps):
        """Each trial ran once, and everything that it wrote came home once."""
        for trial in trials:
            assert self.lines(trial, "stdout") == steps
            assert self.lines(trial, "output/starts") == 1
        with Store.open(self.experiment / "experiment.db") as store:
            assert [t.reports for t in store.trials()] == [steps] * len(trials)
            assert all(t.metric is not None for t in store.trials())


@pytest.fixture
def project(network, tmp_path):
    _, home = network
    return Project(tmp_path, home)


def test_trials_run_on_all_hosts_and_what_they_write_comes_home(project, network):
    project.write(3)
    words = ["run", "train.py", "--hosts", "alpha*2,beta", "--max-trials", "6", "--json"]
    result = json.loads(project.run(*words)[0])
    assert result["best"]["metric"] == min(trial["metric"] for trial in result["trials"])
    assert {trial["machine"] for trial in result["trials"]} == {"alpha", "beta"}
    project.check(range(6), 3)
    for host in network[0]:
        assert list(host.home.glob(".local/share/annotate/agent/experiments/*")) == []


def test_a_dropped_connection_loses_nothing(project, network):
    project.write(100)
    run = project.start("run", "train.py", "--hosts", "alpha,beta", "--max-trials", "2")
    project.wait_for_steps([0, 1])
    alpha = network[0][0]
    alpha.stop()
    alpha.start()
    _, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    assert "alpha: " in err
    project.check([0, 1], 100)


def test_trials_that_outlive_their_driver_are_taken_up_again(project):
    project.write(100)
    run = project.start("run", "train.py", "--hosts", "alpha,beta", "--max-trials", "3")
    project.wait_for_steps([0, 1])
    run.send_signal(signal.SIGKILL)
    run.communicate()
    project.run("resume", project.experiment.name)
    project.check(range(3), 100)


def test_a_host_that_is_down_is_named_and_the_others_go_on(project, network):
    project.write(1)
    beta = network[0][1]
    beta.stop()
    try:
        out, err = project.run("run", "train.py", "--hosts", "alpha,beta", "--max-trials", "3")
    finally:
        beta.start()
    assert "3 succeeded" in out + err
    assert "beta: " in err


def test_an_unknown_host_key_is_refused_with_its_fingerprint(project, network):
    _, home = network
    known = home / ".ssh" / "known_hosts"
    before = known.read_text()
    project.write(1)
    try:
        known.write_text("")
        _, err = project.run("run", "train.py", "--hosts", "alpha", code=2)
    finally:
        known.write_text(before)
    assert "its host key is unknown: ssh-ed25519 SHA256:" in err
    assert "hint: compare it with the machine's own, then trust it: ssh alpha true" in err
    assert not Path(project.environment["ANNOTATE_HOME"]).exists()
