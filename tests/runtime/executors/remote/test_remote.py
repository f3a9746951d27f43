"""The remote executor keeps the contract, with an agent that a plain process leads to."""

import sys

import pytest

from runtime.executors.remote.carrier import Carrier
from runtime.executors.remote.executor import RemoteExecutor
from runtime.executors.remote.process_stream import open_process
from tests.runtime.executors.conformance import ExecutorConformance


class Here(Carrier):
    """This machine, as if it were another: it has a home folder of its own."""

    platform = "remote"

    def __init__(self, home, name="here", python=sys.executable):
        self.home, self.name, self.python = home, name, python

    async def open(self, command):
        return await open_process(["env", f"HOME={self.home}", *command])


class TestAnotherMachine(ExecutorConformance):
    @pytest.fixture
    def create(self, plan, tmp_path):
        home = tmp_path / "machine's"
        home.mkdir()
        return lambda post: RemoteExecutor(post, [Here(home)], plan, print)
