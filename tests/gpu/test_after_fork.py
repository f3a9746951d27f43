"""Forked trials and their libraries see only the leased GPUs; needs no real GPU."""

import json
import shutil

import pytest

pytest.importorskip("torch")

#: CUDA reads the variables with C's `getenv` when a trial first uses it.
SEES = """\
import ctypes, json, os
import torch
lr = 0.1  # @nni.uniform(0, 1)
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
seen = getenv(b"CUDA_VISIBLE_DEVICES").decode()
entry = {"seen": seen, "count": torch.cuda._device_count_nvml(), "parent": os.getppid()}
assert not torch.cuda._is_in_bad_fork()
with open("diary", "a") as file:
    file.write(json.dumps(entry) + "\\n")
# @nni.report_final_result(lr)
"""

COMPILES = """\
import torch
scale = 2.0  # @nni.uniform(1, 3)
total = torch.compile(lambda x: torch.relu(x * scale).sum())(torch.ones(64)).item()
assert abs(total - 64 * scale) < 0.1, total
# @nni.report_final_result(total)
"""


@pytest.fixture
def log(home):
    def read():
        (path,) = home.glob("experiments/*/driver.log")
        return path.read_text()

    return read


@pytest.mark.parametrize(("visible", "gpus"), [(None, 1), (None, 2), ("3,1", 1)])
def test_every_fork_counts_its_leased_gpus(
    folder, machine, annotate, log, monkeypatch, visible, gpus
):
    """The fork server must not count GPUs itself: its forks would inherit the number."""
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    machine.write(*machine.gpus(4))
    (folder / "train.py").write_text(SEES)
    words = ["--gpus", gpus, "--concurrency", "auto", "--max-trials", "4"]
    annotate("run", "train.py", *words)
    assert "trials are forked from a process with torch imported" in log()
    entries = [json.loads(line) for line in (folder / "diary").read_text().splitlines()]
    assert len({entry["parent"] for entry in entries}) == 1
    assert [entry["count"] for entry in entries] == [gpus] * 4
    names = visible.split(",") if visible else [machine.uuid(n) for n in range(4)]
    assert {name for entry in entries for name in entry["seen"].split(",")} == set(names)


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_fork_can_compile(folder, annotate, log):
    (folder / "train.py").write_text(COMPILES)
    annotate("run", "train.py", "--gpus", "0", "--max-trials", "1")
    assert "trials are forked from a process with torch imported" in log()
