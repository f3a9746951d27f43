"""The same on real GPUs: leases, packing, and CUDA, NCCL and torch.compile after a fork.

Skipped, with the reason, where there is no NVIDIA GPU that PyTorch can use."""

import json
import os
import subprocess
import sys
from itertools import pairwise

import pytest

PROBE = """
import pynvml
pynvml.nvmlInit()
assert pynvml.nvmlDeviceGetCount(), "NVML finds no GPU"
import torch
assert torch.cuda.device_count(), "PyTorch finds no GPU that it can use"
"""

#: Computes for a while on what it has leased.
TRAIN = """\
import json, os, time
import torch
size = 1024  # @nni.randint(1024, 2048)
assert torch.cuda.device_count() == 1, torch.cuda.device_count()
began = time.time()
weights = torch.ones(size, size, device="cuda")
while time.time() < began + 4:
    product = (weights @ weights).sum()
torch.cuda.synchronize()
with open("diary", "a") as file:
    entry = [os.environ["CUDA_VISIBLE_DEVICES"], began, time.time()]
    file.write(json.dumps(entry) + "\\n")
# @nni.report_final_result(product.item())
"""

#: What is known to break after a fork that came too late.
LIBRARIES = """\
import os
import torch
import torch.distributed as dist
scale = 2.0  # @nni.uniform(1, 3)
compiled = torch.compile(lambda x: torch.relu(x * scale).sum())
total = compiled(torch.ones(64, device="cuda"))
address = "file://" + os.environ["NNI_OUTPUT_DIR"] + "/rendezvous"
dist.init_process_group("nccl", init_method=address, rank=0, world_size=1)
dist.all_reduce(total)
dist.destroy_process_group()
assert abs(total.item() - 64 * scale) < 0.1
# @nni.report_final_result(total.item())
"""


@pytest.fixture(scope="module", autouse=True)
def real():
    """A GPU; looked for in a process of its own, as this one may have a simulated NVML."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        pytest.skip(f"no real GPU: {done.stderr.strip().splitlines()[-1]}")


def log_of(home):
    (log,) = home.glob("experiments/*/driver.log")
    return log.read_text()


def test_two_experiments_take_turns_and_trials_see_one_gpu(folder):
    (folder / "train.py").write_text(TRAIN)
    words = ["run", "train.py", "--gpus", "1", "--gpu-indices", "0", "--max-trials", "2", "--json"]
    both = [
        subprocess.Popen([sys.executable, "-m", "annotate", *words], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=280)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    entries = [json.loads(line) for line in (folder / "diary").read_text().splitlines()]
    times = sorted((begin, end) for _, begin, end in entries)
    assert len(times) == 4
    assert all(one[1] <= other[0] for one, other in pairwise(times))
    assert len({uuid for uuid, *_ in entries}) == 1
    trials = [trial for output in outputs for trial in json.loads(output)["trials"]]
    assert all(trial["gpu"]["peak"] > 1 << 20 for trial in trials), "its memory was measured"


def test_two_trials_share_a_gpu(folder, annotate):
    (folder / "train.py").write_text(TRAIN)
    words = ["--gpus", "1", "--gpu-indices", "0", "--trials-per-gpu", "2", "--concurrency", "2"]
    annotate("run", "train.py", *words, "--max-trials", "2", timeout=280)
    (_, first, end), (_, second, _) = sorted(
        (json.loads(line) for line in (folder / "diary").read_text().splitlines()),
        key=lambda entry: entry[1],
    )
    assert first <= second < end


def test_cuda_nccl_and_compiling_work_after_a_fork(folder, annotate, home):
    (folder / "train.py").write_text(LIBRARIES)
    annotate("run", "train.py", "--gpus", "1", "--max-trials", "2", timeout=280)
    log = log_of(home)
    assert "trials are forked from a process with torch imported" in log, log


def test_a_trial_that_takes_too_much_is_told_from_others(folder, annotate):
    (folder / "train.py").write_text(
        "import torch\nscale = 1.0  # @nni.uniform(1, 2)\n"
        "torch.empty(1 << 46, device='cuda')\n# @nni.report_final_result(scale)\n"
    )
    done = annotate("run", "train.py", "--gpus", "1", "--max-trials", "1", code=1, timeout=280)
    assert "out of memory" in done.stderr


def test_the_process_that_trials_are_forked_from_has_no_gpu(folder, annotate, home):
    """The script itself asks: its parent has no file of the driver open."""
    (folder / "train.py").write_text(
        "import os\nimport torch\nscale = 1.0  # @nni.uniform(1, 2)\n"
        "files = f'/proc/{os.getppid()}/fd'\n"
        "open_files = [os.readlink(f'{files}/{n}') for n in os.listdir(files)]\n"
        "assert not any(name.startswith('/dev/nvidia') for name in open_files), open_files\n"
        "torch.ones(8, device='cuda').sum().item()\n# @nni.report_final_result(scale)\n"
    )
    annotate("run", "train.py", "--gpus", "1", "--max-trials", "2", timeout=280)
    assert "trials are forked" in log_of(home)
    assert os.environ.get("FAKE_NVML") is None
