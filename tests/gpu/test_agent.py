"""Leases of an agent that a plain process leads to, in the oldest Python of this machine."""

import contextlib
import dataclasses
import itertools
import os
import queue
import signal
import time

import psutil
import pytest

from runtime.core.config import Config
from runtime.core.paths import TrialFolder
from runtime.executors.base import Ended, Job, NewView, Started
from runtime.executors.remote.executor import RemoteExecutor
from runtime.gpus.opening import open_gpus
from runtime.loop.gate import gate
from runtime.stage.agent.gpus.locks import AlreadyHeld, Locks
from tests.runtime.executors.conftest import make_plan
from tests.runtime.executors.remote.test_remote import Here

COUNT = itertools.count(1)
WAIT = """
import os, time
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
until = time.time() + 120
while not os.path.exists({!r}) and time.time() < until:
    time.sleep(0.02)
"""


class Driver:
    """An executor with one machine, and the events that it has posted."""

    def __init__(self, plan, home):
        self.inbox = queue.Queue()
        self.executor = RemoteExecutor(self.inbox.put, [Here(home)], plan, print)

    def until(self, kind, holds=lambda event: True):
        while True:
            event = self.inbox.get(timeout=60)
            if isinstance(event, kind) and holds(event):
                return event

    def claim(self, *uuids):
        """Claim GPUs, and wait for a view that knows of it."""
        claims = {uuid: next(COUNT) for uuid in uuids}
        self.executor.claim_gpus("here", claims, watch=False)

        def knows(event):
            tokens = {uuid: token for uuid, (token, _) in event.held.items()}
            return all(tokens.get(uuid) == claims[uuid] or uuid in event.others for uuid in claims)

        return self.until(NewView, knows)

    def abandon(self):
        """End the connection as a killed driver does: the agent goes on."""
        self.executor._loop.call_soon_threadsafe(self._cut)

    def _cut(self):
        for machine, task in self.executor._tasks.items():
            machine.ready = False
            task.cancel()


@pytest.fixture
def drivers(machine, tmp_path):
    """`drivers()` makes one; all have the same experiment and the same machine."""
    machine.write(*machine.gpus(2))
    plan = dataclasses.replace(make_plan(tmp_path, "EXP"), gpus=True)
    made = []

    def make():
        made.append(Driver(plan, tmp_path))
        return made[-1]

    yield make
    for driver in made:
        driver.executor.close()


def is_held(uuid):
    locks = Locks()
    with contextlib.closing(locks):
        try:
            locks.take(uuid).release()
        except AlreadyHeld:
            return True
        return False


def soon(holds):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def job(tmp_path, trial, uuid, go):
    folder = TrialFolder(tmp_path / str(trial))
    folder.output.mkdir(parents=True)
    words = ("train.py", WAIT.format(str(go)))
    variables = {"CUDA_VISIBLE_DEVICES": uuid}
    return Job(trial, folder, words, variables=variables, machine="here", gpus=(uuid,))


def test_an_agent_holds_the_leases_of_its_trials_and_no_others(drivers, machine, tmp_path):
    first, second = machine.uuid(0), machine.uuid(1)
    driver = drivers()
    view = driver.claim(first, second)
    assert [(d.label, d.total) for d in view.view.devices] == [
        ("0", 81920 << 20),
        ("1", 81920 << 20),
    ]
    assert is_held(first)
    assert is_held(second)
    driver.claim(first)
    assert not is_held(second)
    other = Locks()
    lock = other.take(second)
    assert driver.claim(first, second).others[second]
    lock.release()
    other.close()
    assert not driver.claim(first, second).others

    go = tmp_path / "go"
    driver.executor.start(job(tmp_path, 0, first, go))
    started = driver.until(Started)
    assert started.place["gpus"] == [first]
    driver.abandon()
    soon(lambda: not is_held(second))
    assert is_held(first), "its trial goes on"

    later = drivers()
    assert later.executor.take_up(0, TrialFolder(tmp_path / "0"), started.place)
    assert later.until(Started).pid == started.pid
    assert is_held(first)
    go.touch()
    assert later.until(Ended).code == 0
    assert (tmp_path / "0" / "stdout").read_text() == f"{first}\n"
    later.claim()
    soon(lambda: not is_held(first))


def test_a_killed_agent_frees_its_leases_and_a_start_without_a_lock_is_refused(
    drivers, machine, tmp_path
):
    driver, uuid = drivers(), machine.uuid(0)
    driver.claim()
    driver.executor.start(job(tmp_path, 0, uuid, tmp_path / "never"))
    end = driver.until(Ended)
    assert (end.lost, end.cause) == (True, "its GPU was leased to another experiment meanwhile")
    driver.claim(uuid)
    driver.executor.start(job(tmp_path, 1, uuid, tmp_path / "never"))
    driver.until(Started)
    (pid,) = agents(tmp_path)
    os.kill(pid, signal.SIGKILL)
    assert driver.until(Ended).lost
    driver.claim()
    soon(lambda: not is_held(uuid))


def agents(home):
    """The process IDs of the agents with this home."""
    for process in psutil.process_iter(["cmdline"]):
        text = str(process.info["cmdline"])
        if f"{home}/" in text and "'serve'" in text:
            yield process.pid


@pytest.mark.parametrize(("gpus", "visible"), [(0, {"CUDA_VISIBLE_DEVICES": "-1"}), (1, {})])
def test_an_engine_that_gives_gpus_to_its_jobs_is_not_asked_for_leases(tmp_path, gpus, visible):
    config = Config("train.py", str(tmp_path), "python", executor="ray", gpus=gpus)
    assert open_gpus(config, {}) is None
    # Nothing of the trials or the executor is needed.
    lease = gate(None, config, "EXP", None, None, print, print).take(0)
    assert (lease.environment, lease.machine) == (visible, "")
