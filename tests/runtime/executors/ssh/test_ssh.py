"""Trials on machines that SSH reaches: real servers on this machine, and breaks of all kinds."""

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from runtime.cli import main
from runtime.core.host import Host
from runtime.executors.remote.executor import RemoteExecutor
from runtime.executors.ssh.carrier import SshCarrier
from runtime.store import Store
from tests.runtime.executors.conformance import ExecutorConformance


class TestSsh(ExecutorConformance):
    @pytest.fixture
    def create(self, network, plan, monkeypatch):
        _, home = network
        monkeypatch.setenv("HOME", str(home))
        return lambda post: RemoteExecutor(post, [SshCarrier(Host("alpha"))], plan)


def test_trials_run_on_all_hosts_and_what_they_write_comes_home(
    project, network, monkeypatch, capsys
):
    project.write(3)
    words = ["run", "train.py", "--hosts", "alpha*2,beta", "--max-trials", "6", "--json"]
    out, err = project.run(*words)
    result = json.loads(out)
    assert result["best"]["metric"] == min(trial["metric"] for trial in result["trials"])
    machines = {trial["number"]: trial["machine"] for trial in result["trials"]}
    assert set(machines.values()) == {"alpha", "beta"}
    best = machines[result["best"]["trial"]]
    assert result["best"]["machine"] == best
    monkeypatch.setenv("ANNOTATE_HOME", project.environment["ANNOTATE_HOME"])
    main(["experiment", "show"])
    assert re.search(rf"^ +machine +{best}$", capsys.readouterr().out, re.MULTILINE)
    main(["trial", "ls"])
    table = capsys.readouterr().out
    for number, machine in machines.items():
        assert re.search(rf"^ +{number} .*s  {machine} ", err, re.MULTILINE)
        assert re.search(rf"^ +{number} .* {machine} ", table, re.MULTILINE)
    project.check(range(6), 3)
    for host in network[0]:
        place = host.home / ".local/share/annotate/agent/experiments" / project.experiment.name
        assert not place.exists()


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


@pytest.mark.engines
def test_thirty_seconds_without_a_connection_lose_nothing(project, network):
    project.write(1000)
    words = ["run", "train.py", "--hosts", "alpha,beta", "--max-trials", "4"]
    run = project.start(*words)
    project.wait_for_steps([0, 1])
    for host in network[0]:
        host.stop()
    time.sleep(30)
    for host in network[0]:
        host.start()
    _, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    project.check(range(4), 1000)


@pytest.mark.engines
def test_a_thousand_short_trials_run_over_two_hosts(project):
    project.write(1)
    words = ["--hosts", "alpha*4,beta*4", "--max-trials", "1000", "--tuner", "random"]
    project.run("run", "train.py", *words, seconds=600)
    project.check(range(1000), 1)
    with Store.open(project.experiment / "experiment.db") as store:
        counts = Counter(trial.place["machine"] for trial in store.trials())
    assert counts.keys() == {"alpha", "beta"}
    assert min(counts.values()) > 300


def test_trials_that_outlive_their_driver_are_taken_up_again(project):
    project.write(100)
    run = project.start("run", "train.py", "--hosts", "alpha,beta", "--max-trials", "3")
    project.wait_for_steps([0, 1])
    run.send_signal(signal.SIGKILL)
    run.communicate()
    project.run("resume", project.experiment.name)
    project.check(range(3), 100)


@pytest.mark.parametrize("script", ["tools/train.py", "{folder}/tools/train.py"])
def test_a_script_below_the_working_folder_finds_its_modules_there(project, script):
    for name in ("tools", "lib"):
        (project.folder / name).mkdir()
    (project.folder / "lib" / "core.py").write_text("K = 7\n")
    (project.folder / "tools" / "train.py").write_text(
        "x = 0.5  # @nni.uniform(0, 1)\nfrom core import K\n# @nni.report_final_result(x + K)\n"
    )
    project.environment["PYTHONPATH"] = "lib"
    words = ["run", script.format(folder=project.folder), "--hosts", "alpha", "--max-trials", "1"]
    out, err = project.run(*words, "--json")
    assert json.loads(out)["best"]["metric"] == 7.5
    assert f"get the code folder {project.folder / 'tools'}, not the rest" in err


def test_trials_of_an_agent_that_is_killed_run_again(project, network):
    project.write(60)
    run = project.start("run", "train.py", "--hosts", "alpha,beta", "--max-trials", "2")
    project.wait_for_steps([0, 1])
    place = network[0][0].home / ".local/share/annotate/agent/experiments"
    (agent,) = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(place) in str(process.info["cmdline"]) and "'serve'" in str(process.info["cmdline"])
    ]
    agent.kill()
    _, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    assert err.count("was interrupted because its agent ended; it will run again") == 1
    for trial in (0, 1):
        assert project.lines(trial, "stdout") == 60


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


def test_the_users_ciphers_are_kept_and_fast_ones_preferred_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    config = "Host old\n  Ciphers aes128-ctr,aes256-ctr\n"
    (tmp_path / ".ssh" / "config").write_text(config)
    assert SshCarrier(Host("old"))._ciphers() == ["aes128-ctr", "aes256-ctr"]
    first, *others = SshCarrier(Host("new"))._ciphers()
    assert "-gcm@" in first
    assert "chacha20-poly1305@openssh.com" in others


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


def test_a_package_of_the_users_that_is_installed_editable_is_found_there(project):
    above = project.folder.parent
    (above / "src" / "mine").mkdir(parents=True)
    (above / "src" / "mine" / "__init__.py").write_text("from mine.core import K\n")
    (above / "src" / "mine" / "core.py").write_text("K = 7  # @nni.choice(7, 8)\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", above / "env"], check=True)
    (site,) = (above / "env" / "lib").glob("python3*/site-packages")
    (site / "mine.pth").write_text(f"{above / 'src'}\n")  # as pip install -e does
    project.environment["PATH"] = f"{above}/env/bin:{project.environment['PATH']}"
    (project.folder / "train.py").write_text(
        "from mine import K\nx = 0.5  # @nni.uniform(0, 1)\n# @nni.report_final_result(x + K)\n"
    )
    out, err = project.run("run", "train.py", "--hosts", "alpha", "--max-trials", "1", "--json")
    assert json.loads(out)["best"]["metric"] == 7.5, err
