"""machineList: the machines of NNI's training service remote."""

import json
import os

import pytest

from annotate.errors import Mistakes
from runtime import nni_config
from runtime.core.config import Config
from runtime.core.host import Host, Login, parse_hosts, with_details

HEAD = """\
searchSpace: {lr: {_type: uniform, _value: [0, 1]}}
trialCommand: python3 train.py
trialConcurrency: 4
"""
V1 = """\
trainingServicePlatform: remote
remoteConfig: {reuse: true}
machineList:
  - ip: 10.0.0.1
    port: 2222
    username: me
    passwd: first secret
    pythonPath: /opt/python/bin
    preCommand: module load cuda
    gpuIndices: 0,1
    maxTrialNumPerGpu: 2
    useActiveGpu: true
  - ip: beta
    sshKeyPath: keys/id
    passphrase: 1234567
"""
V2 = """\
trainingService:
  platform: remote
  reuseMode: false
  machineList:
    - {host: 10.0.0.1, port: 2222, user: me, password: first secret,
       pythonPath: /opt/python/bin, preCommand: module load cuda,
       gpuIndices: [0, 1], maxTrialNumberPerGpu: 2, useActiveGpu: true}
    - {host: beta, sshKeyFile: keys/id, sshPassphrase: 1234567}
"""


@pytest.fixture
def write(folder):
    (folder / "train.py").write_text("import nni\n")

    def write(text, head=HEAD):
        path = folder / "config.yml"
        path.write_text(head + text)
        return path

    return write


def mistakes(path):
    with pytest.raises(Mistakes) as caught:
        nni_config.read(path, os.environ)
    return caught.value.mistakes


@pytest.mark.parametrize("text", [V1, V2], ids=["v1", "v2"])
def test_both_versions_name_the_machines_and_keep_their_secrets_apart(write, folder, text):
    path = write(text)
    described = nni_config.read(path, os.environ)
    config = Config.new(described.settings)
    assert (config.executor, config.concurrency, config.python_there) == ("ssh", 4, "python3")
    stored = Config.from_json(json.loads(json.dumps(config.to_json())))
    assert "secret" not in repr(stored)
    assert "1234567" not in repr(stored)
    logins = nni_config.logins(path)
    assert "secret" not in repr(logins)
    assert stored.logins_file == str(path)
    assert with_details(parse_hosts(stored.hosts), stored.machines, logins) == (
        Host(
            "10.0.0.1",
            "me",
            2222,
            folder="/opt/python/bin",
            before="module load cuda",
            login=Login(password="first secret"),
        ),
        Host("beta", key=str(folder / "keys/id"), login=Login(passphrase="1234567")),
    )


def test_what_has_no_effect_there_is_noted(write):
    notes = nni_config.read(write(V1), os.environ).notes
    assert [note.split(": ")[1] for note in notes] == ["remoteConfig"]


@pytest.mark.parametrize("text", [V1, V2], ids=["v1", "v2"])
def test_a_machine_may_have_its_own_settings_of_gpus(write, text):
    settings = nni_config.read(write("trialGpuNumber: 1\n" + text), os.environ).settings
    config = Config.from_json(json.loads(json.dumps(Config.new(settings).to_json())))
    here, there = config.on_machine("me@10.0.0.1:2222"), config.on_machine("beta")
    assert (here.gpu_indices, here.trials_per_gpu, here.use_active_gpu) == (("0", "1"), 2, True)
    assert (there.gpu_indices, there.trials_per_gpu, there.use_active_gpu) == ((), 1, False)
    assert here.gpus == there.gpus == 1


def test_an_interpreter_named_there_is_not_looked_for_here(write):
    path = write(V1)
    described = nni_config.read(path, os.environ, python="/only/there/python")
    assert described.settings["python_there"] == "/only/there/python"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trainingServicePlatform: remote\n", "no machine is named"),
        ("machineList: [{ip: a}]\n", "machineList has no effect without the platform remote"),
        (V1 + "  - ip: beta\n", "beta is named twice"),
        (V1 + "  - port: 22\n", "machine 3 has no ip"),
        (V1 + "  - {ip: x, port: 99999}\n", "'x' is not a host with user and port"),
        (
            V1 + "  - {ip: x, maxTrialNumPerGpu: 0}\n",
            "maxTrialNumPerGpu must be at least 1, not 0",
        ),
        (V1 + "  - {ip: x, port: ssh}\n", "machineList.2.port must be a whole number"),
        (V1 + "  - {ip: x, host: y}\n", "host and ip are the same setting"),
        (V1 + "  - {ip: x, userName: y}\n", "unknown field userName in machineList.2"),
    ],
)
def test_a_mistake_names_the_machine_and_the_field(write, text, message):
    listed = [mistake.message for mistake in mistakes(write(text))]
    assert any(message in words for words in listed), listed


@pytest.mark.parametrize(
    "text",
    [
        "  - {ip: x, port: ssh, passwd: planted}\n",
        "  - {ip: x, passwd: [planted]}\n",
        "  - ip: x\n    passwd: planted\n    password: planted\n",
        "  - {ip: x, passwd: planted\n",
        "trainingService: {machineList: planted}\n",
    ],
)
def test_no_mistake_shows_a_secret(write, text):
    shown = "\n".join(mistake.display() for mistake in mistakes(write(V1 + text)))
    assert shown
    assert "planted" not in shown.replace("machineList: planted", "")
