"""The remote executor keeps the contract, with an agent that a plain process leads to."""

import re

import pytest

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
