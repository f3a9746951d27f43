"""Passwords and passphrases: read from a config file or asked for, and found nowhere."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.executors.ssh import servers

#: This process's own: tests beside it pass theirs to ssh-keygen as an argument.
PASSWORD, PASSPHRASE = (f"planted-{word}-{os.getpid()}-47" for word in ("password", "passphrase"))
PROGRAM = Path(__file__).parent / "password_server.py"
CONFIG = """\
trialConcurrency: 2
maxTrialNum: 2
trainingServicePlatform: remote
useAnnotation: true
tuner: {{name: random}}
trial: {{command: python3 train.py, gpuNum: 0}}
machineList:
  - ip: 127.0.0.1
    port: {port}
    username: somebody
    passwd: {password}
    pythonPath: ~/my tools
    preCommand: echo hello; export FROM_PRE_COMMAND=yes; source /dev/null
  - ip: locked
    passphrase: {passphrase}
"""
SCRIPT = """\
import os
x = 0.5  # @nni.uniform(0, 1)
first = os.environ["PATH"].split(":")[0]
print([os.environ.get("FROM_PRE_COMMAND"), first, os.environ["CUDA_VISIBLE_DEVICES"]])
# @nni.report_final_result(x)
"""


@pytest.fixture(scope="module")
def doors(network, tmp_path_factory):
    """A server that takes a password, and the host `locked`, whose key has a passphrase."""
    (alpha, _), user = network
    folder = tmp_path_factory.mktemp("password server")
    servers.make_key(folder / "key")
    (folder / "home").mkdir()
    words = [sys.executable, str(PROGRAM), str(folder / "home"), str(folder / "key")]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    process.stdin.write(f"{PASSWORD}\n")
    process.stdin.flush()
    port = int(process.stdout.readline())
    key = " ".join((folder / "key.pub").read_text().split()[:2])
    with (user / ".ssh" / "known_hosts").open("a") as file:
        file.write(f"[127.0.0.1]:{port} {key}\n")
    servers.make_key(user / ".ssh" / "locked", PASSPHRASE)
    with (alpha.folder / "authorized_keys").open("a") as file:
        file.write((user / ".ssh" / "locked.pub").read_text())
    config = user / ".ssh" / "config"
    host = f"Host locked\n  HostName 127.0.0.1\n  Port {alpha.port}\n  IdentitiesOnly yes\n"
    known = f"  UserKnownHostsFile {user}/.ssh/known_hosts\n"
    before = config.read_text()
    config.write_text(f"{host}  IdentityFile {user}/.ssh/locked\n{known}Match all\n{before}")
    # Every value of IdentityFile counts, so the last section must not add its key.
    config.write_text(config.read_text().replace("Host *", "Host * !locked"))
    yield port, folder / "home"
    config.write_text(before)
    process.kill()
    process.communicate()


def files_with(secret, *folders):
    """The files that have the secret."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if secret.encode() in path.read_bytes()]


def processes_with(secret):
    """The processes whose arguments or variables have the secret."""
    holders = []
    for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
        with contextlib.suppress(OSError):  # it has ended
            for name in ("cmdline", "environ"):
                data = Path("/proc", pid, name).read_bytes()
                holders += [f"{pid} {name}"] if secret.encode() in data else []
    return holders


def test_secrets_of_a_config_file_log_in_and_are_found_nowhere(project, network, doors):
    port, home = doors
    (project.folder / "train.py").write_text(SCRIPT)
    text = CONFIG.format(port=port, password=PASSWORD, passphrase=PASSPHRASE)
    (project.folder / "config.yml").write_text(text)
    out, err = project.run("create", "-c", "config.yml")
    assert "runs in the background" in out
    assert project.wait_for_end().state == "DONE"
    log = (project.experiment / "driver.err").read_text()
    assert "not sent to other machines, as it has passwords or keys: config.yml" in log
    outputs = [path.read_text() for path in project.experiment.glob("trials/*/stdout")]
    assert str(["yes", f"{home}/my tools", "-1"]) in [text.strip() for text in outputs]
    everything = Path(project.environment["ANNOTATE_HOME"])
    for secret in (PASSWORD, PASSPHRASE):
        assert secret not in out + err
        assert files_with(secret, everything, home, network[0][0].home) == []
        assert processes_with(secret) == []
    # Without the file, nobody knows them.
    (project.folder / "config.yml").unlink()
    _, err = project.run("resume", "--foreground", "--max-trials", "3", code=2)
    assert "The passwords of the machines are unknown: " in err
    assert f"somebody@127.0.0.1:{port}: it does not let somebody in" in err
    assert "locked: it does not let you in" in err


def test_a_password_is_asked_for_and_passed_on_to_a_driver_in_the_background(project, doors):
    port, home = doors
    project.write(1)
    words = [
        "run",
        "train.py",
        "--hosts",
        f"me@127.0.0.1:{port}",
        "--max-trials",
        "2",
        "--background",
    ]
    shown = project.run_on_terminal(*words, answers=["wrong", PASSWORD])
    assert shown.count(f"Password of me@127.0.0.1:{port}: ") == 2
    assert PASSWORD not in shown
    assert project.wait_for_end().state == "DONE"
    project.check(range(2), 1)
    assert files_with(PASSWORD, Path(project.environment["ANNOTATE_HOME"]), home) == []


def test_a_passphrase_is_asked_for_on_a_terminal_only(project, doors):
    project.write(1)
    words = ["run", "train.py", "--hosts", "locked", "--max-trials", "1"]
    shown = project.run_on_terminal(*words, answers=["wrong", PASSPHRASE])
    assert shown.count("Passphrase of the key for locked: ") == 2
    assert PASSPHRASE not in shown
    project.check([0], 1)
    _, err = project.run(*words, code=2)
    assert "locked: it does not let you in" in err
    assert "hint: a key has a passphrase: unlock it with ssh-add, or run this on a terminal" in err
