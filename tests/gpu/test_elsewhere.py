"""Experiments whose trials lease the GPUs of other machines, over SSH, with a simulated NVML."""

import json
import os
import signal
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.gpu.conftest import Machine
from tests.gpu.test_gpu_runs import TRAIN, until
from tests.runtime.executors.ssh import servers
from tests.runtime.executors.ssh.project import Project

#: Computes until somebody lets it go.
HELD = """\
import json, os, time
lr = 0.1  # @nni.uniform(0, 1)
folder, mine = os.environ["FAKE_NVML"], os.getpid()
gpus = os.environ["CUDA_VISIBLE_DEVICES"]
with open(f"{folder}/new", "w") as file:
    file.write(f"process gpu={gpus} pid={mine} memory=4000\\n")
os.rename(f"{folder}/new", f"{folder}/{mine}.process")
until = time.time() + 120
while not os.path.exists(folder + "/go") and time.time() < until:
    time.sleep(0.05)
os.remove(f"{folder}/{mine}.process")
# @nni.report_final_result(lr)
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory, library):
    """The servers alpha and beta, each with GPUs of its own, and the home of a user."""
    if servers.SSHD is None or os.getuid() != 0:
        pytest.skip("needs sshd, started as root")
    pytest.importorskip("asyncssh")
    folder = tmp_path_factory.mktemp("network")

    def variables(name):
        place = folder / name
        (place / "nvml").mkdir()
        ours = {
            "LD_LIBRARY_PATH": library,
            "FAKE_NVML": place / "nvml",
            "ANNOTATE_GPU_LEASES": place / "leases",
        }
        if name == "beta":
            ours["CUDA_VISIBLE_DEVICES"] = "2,1"
        return " ".join(f"{name}={value}" for name, value in ours.items())

    hosts, home = servers.make(folder, ["alpha", "beta"], variables)
    for host in hosts:
        host.start()
    yield hosts, home
    for host in hosts:
        host.stop()


@pytest.fixture
def gpus(network):
    """The simulated GPUs of the servers, by name; none has any yet."""
    machines = {host.name: Machine(host.folder / "nvml") for host in network[0]}
    for machine in machines.values():
        for file in machine.folder.iterdir():
            file.unlink()
        machine.write()
    return SimpleNamespace(**machines)


@pytest.fixture
def project(network, tmp_path):
    project = Project(tmp_path, network[1])
    (project.folder / "train.py").write_text(TRAIN)
    return project


def diary(machine):
    """The GPUs, beginning and end of each trial that ran on the machine."""
    lines = (machine.folder / "diary").read_text().splitlines()
    return [(gpus[0], begin, end) for gpus, begin, end, _ in map(json.loads, lines)]


def test_trials_lease_the_gpus_of_two_hosts(project, gpus):
    gpus.alpha.write(*gpus.alpha.gpus(1))
    gpus.beta.write(*gpus.beta.gpus(3))
    words = ["--hosts", "alpha,beta", "--gpus", "1", "--concurrency", "auto", "--max-trials", "7"]
    out, _ = project.run("run", "train.py", *words, "--json")
    trials = json.loads(out)["trials"]
    places = {(trial["machine"], *trial["gpu"]["gpus"]) for trial in trials}
    assert places == {("alpha", "0"), ("beta", "1"), ("beta", "2")}
    assert all(trial["gpu"]["seconds"] > 0.5 for trial in trials)
    here, there = diary(gpus.alpha), diary(gpus.beta)
    assert len(here) + len(there) == 7
    assert {gpu for gpu, *_ in here} == {gpus.alpha.uuid(0)}
    assert {gpu for gpu, *_ in there} == {"1", "2"}, "the words of its own CUDA_VISIBLE_DEVICES"
    for gpu in (gpus.alpha.uuid(0), "1", "2"):
        times = sorted((begin, end) for name, begin, end in here + there if name == gpu)
        assert all(first[1] <= second[0] for first, second in pairwise(times)), times


def test_hosts_without_the_gpus_of_a_trial_are_named_before_anything_is_written(project, gpus):
    gpus.alpha.write("init error=9")
    gpus.beta.write(*gpus.beta.gpus(2, used=1024))
    words = ["run", "train.py", "--hosts", "alpha,beta", "--gpus", "2", "--max-trials", "1"]
    _, err = project.run(*words, code=2)
    assert "alpha: --gpus 2: NVIDIA's driver does not work: Driver Not Loaded" in err
    assert (
        "beta: --gpus 2: a trial needs 2, this machine has 2, of which CUDA_VISIBLE_DEVICES=2,1"
        " shows 0"
    ) in err
    assert not Path(project.environment["ANNOTATE_HOME"]).exists()
    out, _ = project.run("engines", "check", "--hosts", "alpha,beta")
    assert "GPUs           none: NVIDIA's driver does not work: Driver Not Loaded" in out
    hidden = "hidden from trials by CUDA_VISIBLE_DEVICES"
    assert f"GPU 1          Simulated, 79.0 GiB of 80.0 GiB free, {hidden}" in out


@pytest.mark.engines
def test_a_lease_outlives_its_driver_and_excludes_others_until_its_trial_has_ended(project, gpus):
    gpus.alpha.write(*gpus.alpha.gpus(1))
    (project.folder / "train.py").write_text(HELD)
    words = ["run", "train.py", "--hosts", "alpha", "--gpus", "1", "--max-trials", "1"]
    first = project.start(*words)
    until(lambda: list(gpus.alpha.folder.glob("*.process")), "the trial computes")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    name = project.experiment.name
    second = project.start(*words)

    def waits():
        out, _ = project.run("trial", "ls", "--json")
        return next((t for t in json.loads(out) if t["gpu"] and t["gpu"]["waits"]), None)

    trial = until(waits, "the second experiment's trial waits")
    (block,) = trial["gpu"]["waits"]
    assert (block["rule"], block["machine"], block["gpu"]) == ("leased", "alpha", "0")
    reason = f"waits for a GPU: GPU 0 of alpha has been leased to experiment {name} of "
    assert trial["reason"].startswith(reason)
    resumed = project.start("resume", name, "--max-trials", "2")
    until(lambda: "RUNNING" in project.run("trial", "ls", name)[0], "the trial is taken up")
    (gpus.alpha.folder / "go").touch()
    for driver in (resumed, second):
        _, err = driver.communicate(timeout=120)
        assert driver.returncode == 0, err
    out, _ = project.run("trial", "ls", name, "--json")
    assert [t["gpu"]["gpus"] for t in json.loads(out)] == [["0"], ["0"]]
