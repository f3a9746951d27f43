"""A machine with the GPUs that a test describes, simulated by a library in place of NVML."""

import ctypes
import dataclasses
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest

from runtime.core.config import Config
from runtime.gpus.elsewhere import DistantGpus
from runtime.gpus.leases import Lease, Leases
from runtime.gpus.locks import OwnLocks
from runtime.gpus.waiting import Wait
from runtime.gpus.world import world
from runtime.stage.agent.gpus.desk import Desk
from runtime.stage.agent.gpus.device import View
from runtime.stage.agent.gpus.locks import Holder
from runtime.stage.agent.gpus.nvml import Nvml

SOURCE = Path(__file__).with_name("fake_nvml.c")


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The folder of the simulated NVML, under the name that pynvml loads."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("building the simulated NVML needs a C compiler")
    path = tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1"
    words = ["-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-Wl,-soname,{path.name}"]
    subprocess.run([compiler, *words, "-o", path, SOURCE], check=True, timeout=120)
    return path.parent


class Machine:
    """GPUs described by `write`, one line each; their UUIDs are unique to the test.

    So are the serial numbers of errors, which the library tells a process only once.
    """

    _serials = itertools.count(0, 100)

    def __init__(self, folder):
        self.folder = folder
        self.mark = uuid.uuid4().hex[:12]
        self._first_serial = next(self._serials)

    def _serial(self, match):
        return f"serial={self._first_serial + int(match[1])}"

    def uuid(self, number, kind="GPU"):
        return f"{kind}-{self.mark}-{number}"

    def write(self, *lines):
        text = re.sub(r"serial=(\d+)", self._serial, "".join(f"{line}\n" for line in lines))
        new = self.folder / "new"
        new.write_text(text)
        new.replace(self.folder / "machine")

    def gpu(self, number, **changed):
        words = {"uuid": self.uuid(number), "name": "Simulated", "total": 81920, "used": 500}
        return " ".join(["gpu", *(f"{k}={v}" for k, v in {**words, **changed}.items())])

    def mig(self, gpu, number, **changed):
        words = {"gpu": gpu, "uuid": self.uuid(number, "MIG"), "total": 20480, "used": 0}
        return " ".join(["mig", *(f"{k}={v}" for k, v in {**words, **changed}.items())])

    def gpus(self, count, **changed):
        return [self.gpu(number, **changed) for number in range(count)]


@pytest.fixture
def machine(library, tmp_path, monkeypatch):
    folder = tmp_path / "machine"
    folder.mkdir()
    monkeypatch.setenv("FAKE_NVML", str(folder))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(library))  # for the processes that a test starts
    monkeypatch.setenv("ANNOTATE_GPU_LEASES", str(tmp_path / "leases"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return Machine(folder)


@pytest.fixture
def begin():
    """`begin("-m", "annotate", ...)` starts a Python process, which is killed after the test."""
    begun = []

    def begin(*words, **environment):
        begun.append(
            subprocess.Popen(
                [sys.executable, *words],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


@pytest.fixture
def inside(machine, library):
    """The same machine for this process: pynvml finds the library already loaded."""
    ctypes.CDLL(str(library / "libnvidia-ml.so.1"))
    return machine


class Here:
    """This machine's GPUs."""

    def __init__(self, name):
        self.locks, self._nvml = OwnLocks(), Nvml()

    def view(self):
        return self._nvml.view()

    def flush(self):
        pass

    def close(self):
        pass


class Elsewhere:
    """The same through the desk of an agent, as if they were another machine's."""

    def __init__(self, name):
        self._came = threading.Semaphore(0)
        self._desk, self._count = Desk(self._came.release), 0
        self.locks = DistantGpus(
            lambda claims, watch: self._desk.serve(name, claims, watch=watch, busy=())
        )

    def flush(self):
        """Bring the desk up to date, and wait until it has looked."""
        self.locks.request()
        self.locks.flush()
        assert self._came.acquire(timeout=60)

    def view(self):
        self.flush()
        news = self._desk.take_news()
        others = {uuid: Holder(**holder) for uuid, holder in news["others"].items()}
        return self.locks.see(View.from_json(through_json(news["view"])), news["held"], others)

    def close(self):
        self._desk.close()


def through_json(document):
    return json.loads(json.dumps(document))


@dataclasses.dataclass
class Experiment:
    """An experiment's leases; `take` reads the GPUs as often as its steps need."""

    gpus: Here | Elsewhere
    leases: Leases
    opened: list  # all experiments' leases and GPUs
    messages: list = dataclasses.field(default_factory=list)

    def look(self):
        for _, gpus in self.opened:
            gpus.flush()
        self.messages += self.leases.update(self.gpus.view())

    def take(self, trial):
        self.look()
        answer = self.leases.take(trial)
        while isinstance(answer, Wait) and not answer.blocks:
            self.look()
            answer = self.leases.take(trial)
        return answer


@pytest.fixture(params=[Here, Elsewhere])
def experiment(inside, request):
    """`experiment("A", gpus=1)` opens the leases of an experiment, here or elsewhere."""
    opened = []

    def open_one(name="A", *, environment=None, **config):
        gpus = request.param(name)
        view = gpus.view()
        full_config = Config("train.py", str(Path.cwd()), "python", **{"gpus": 1, **config})
        usable = world(full_config, view, environment or {})
        leases = Leases(full_config, usable, view, gpus.locks, name, lambda: None)
        opened.append((leases, gpus))
        return Experiment(gpus, leases, opened)

    yield open_one
    for leases, gpus in opened:
        leases.close()
        gpus.close()


@pytest.fixture
def somebody():
    """A process that belongs to no trial."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process.pid
    process.kill()
    process.wait()


def computes(gpu, pid, memory=1000):
    return f"process gpu={gpu} pid={pid} memory={memory} kind=C"


def rules(wait):
    return [(block.rule, block.gpu) for block in wait.blocks]


def run(exp, trial, pid):
    assert isinstance(exp.take(trial), Lease)
    exp.leases.started(trial, pid)
