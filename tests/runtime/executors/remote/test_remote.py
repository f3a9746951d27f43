"""The remote executor keeps the contract, with an agent that a plain process leads to."""

import queue
import re

import pytest

from runtime.core.paths import TrialFolder
from runtime.executors.base import Ended, Job
from runtime.executors.remote import executor
from runtime.executors.remote.carrier import Carrier
from runtime.executors.remote.executor import RemoteExecutor
from runtime.executors.remote.process_stream import open_process
from tests.conftest import INTERPRETERS
from tests.runtime.executors.conformance import ExecutorConformance

#: The oldest Python of this machine, by the number in its path.
OLDEST = min(INTERPRETERS, key=lambda path: int(re.findall(r"3\.(\d+)", path)[-1]))


class Here(Carrier):
    """This machine, as if it were another: with its own home folder, and the oldest Python."""

    platform = "remote"

    def __init__(self, home, name="here", python=OLDEST):
        self.home, self.name, self.python = home, name, python

    async def open(self, command):
        return await open_process(["env", f"HOME={self.home}", *command])


class TestAnotherMachine(ExecutorConformance):
    @pytest.fixture
    def create(self, plan, tmp_path):
        home = tmp_path / "machine's"
        home.mkdir()
        return lambda post: RemoteExecutor(post, [Here(home)], plan, print)


def test_what_is_too_large_to_come_home_is_kept_and_named(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(executor, "_OUTPUT", 10)
    inbox, notes = queue.Queue(), []
    remote = RemoteExecutor(inbox.put, [Here(tmp_path)], plan, notes.append)
    folder = TrialFolder(tmp_path / "0")
    folder.output.mkdir(parents=True)
    place = "import os; os.chdir(os.environ['NNI_OUTPUT_DIR'])"
    write = f"{place}; open('small', 'w').write('x'); open('large', 'w').write('x' * 11)"
    try:
        remote.start(Job(0, folder, ("train.py", write)))
        while not isinstance(event := inbox.get(timeout=60), Ended):
            pass
    finally:
        remote.close()
    assert event.code == 0
    assert [path.name for path in folder.output.iterdir()] == ["small"]
    (kept,) = (tmp_path / ".local/share/annotate/agent/outputs/EXP").iterdir()
    assert re.fullmatch("0-[0-9a-f]{8}", kept.name), "another run of the trial has another folder"
    assert sorted(path.name for path in kept.iterdir()) == ["large", "small"]
    assert notes == [
        "trial 0: too large to come home: output/large; here keeps all of its output folder in"
        f" {kept}"
    ]
