"""On real GPUs: leases, packing, and CUDA, NCCL and torch.compile after a fork.

    python -m pytest tests/gpu/test_acceptance.py -rs

needs NVIDIA's driver, an idle GPU, PyTorch with CUDA, this package, pytest and pytest-timeout, and
takes a few minutes. Prints what it observes. Everything is skipped, with the reason, if PyTorch
finds no usable GPU.
"""

import json
import shutil
import subprocess
import sys
import time
from itertools import pairwise

import pytest

LIMIT = 240  # seconds for one command
GIB = 1 << 30

#: Describes this machine, read in the same way as by an experiment's driver.
PROBE = """
import json, os
from runtime.core.config import Config
from runtime.stage.agent.gpus.nvml import Nvml
from runtime.gpus.world import world
import pynvml
view = Nvml().first_view()
shown = world(Config("train.py", "/", "python", gpus=1), view, os.environ).names
devices = [device for device in view.devices if device.uuid in shown]
import torch
assert torch.cuda.device_count(), "PyTorch %s finds no GPU that it can use" % torch.__version__
nccl = torch.distributed.is_nccl_available() and ".".join(map(str, torch.cuda.nccl.version()))
known = ("uuid", "label", "name", "total", "used", "mig", "mode", "trouble")
facts = {
    "driver": pynvml.nvmlSystemGetDriverVersion(),
    "torch": torch.__version__,
    "cuda": torch.version.cuda,
    "nccl": nccl,
    "gpus": [
        dict(
            {k: getattr(d, k) for k in known},
            shown=shown[d.uuid],
            processes=[p.pid for p in d.processes],
        )
        for d in devices
    ],
}
print(json.dumps(facts))
"""

#: Computes for a while on its leased GPU; each entry of the diary is one trial.
TRAIN = """\
import json, os, time
import torch
size = 2048  # @nni.randint(2048, 4096)
assert torch.cuda.device_count() == 1, torch.cuda.device_count()
parent = f"/proc/{os.getppid()}"
files = [os.readlink(f"{parent}/fd/{n}") for n in os.listdir(f"{parent}/fd")]
assert not any(name.startswith(("/dev/nvidia", "/dev/dxg")) for name in files), files
began = time.time()
weights = torch.ones(size, size, device="cuda")
kept = torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
while time.time() < began + float(os.environ.get("TAKES", "5")):
    product = (weights @ weights).sum().item()
with open("diary", "a") as file:
    entry = {
        "seen": os.environ["CUDA_VISIBLE_DEVICES"],
        "name": torch.cuda.get_device_name(),
        "began": began,
        "ended": time.time(),
        "parent": os.getppid(),
    }
    file.write(json.dumps(entry) + "\\n")
# @nni.report_final_result(product)
"""

#: Holds 1 GiB and does not compute, so that only memory limits how many fit.
IDLE = """\
import json, time
import torch
share = 0.5  # @nni.uniform(0, 1)
began = time.time()
kept = torch.ones(1 << 28, device="cuda")
time.sleep(5)
with open("diary", "a") as file:
    file.write(json.dumps({"began": began, "ended": time.time()}) + "\\n")
# @nni.report_final_result(kept[0].item() * share)
"""

#: Two of these do not fit on one GPU.
GREEDY = """\
import time
import torch
share = 0.6  # @nni.uniform(0.55, 0.65)
free, total = torch.cuda.mem_get_info()
kept = torch.empty(int(total * share), dtype=torch.uint8, device="cuda")
time.sleep(12)
# @nni.report_final_result(share)
"""

#: Needs more memory than any GPU has.
HOPELESS = """\
import torch
scale = 1.0  # @nni.uniform(1, 2)
torch.empty(1 << 46, dtype=torch.uint8, device="cuda")
# @nni.report_final_result(scale)
"""

COMPILES = """\
import torch
scale = 2.0  # @nni.uniform(1, 3)
total = torch.compile(lambda x: torch.relu(x * scale).sum())(torch.ones(64, device="cuda")).item()
assert abs(total - 64 * scale) < 0.1, total
# @nni.report_final_result(total)
"""

#: As many ranks as GPUs, one on each.
RANKS = """\
import os
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
scale = 2.0  # @nni.uniform(1, 3)
def rank(number, count, path, scale):
    torch.cuda.set_device(number)
    store = dist.FileStore(path, count)
    dist.init_process_group("nccl", store=store, rank=number, world_size=count)
    total = torch.full((1,), scale, device="cuda")
    dist.all_reduce(total)
    dist.destroy_process_group()
    assert abs(total.item() - count * scale) < 1e-3, total
if __name__ == "__main__":
    count = torch.cuda.device_count()
    assert count == len(os.environ["CUDA_VISIBLE_DEVICES"].split(","))
    path = os.path.join(os.environ["NNI_OUTPUT_DIR"], "rendezvous")
    rank(0, 1, path, scale)
    if count > 1:
        mp.spawn(rank, (count, path + "2", scale), count)
    # @nni.report_final_result(count)
"""

#: A program that knows nothing about leases.
GUEST = """\
import time, torch
kept = torch.ones(1 << 29, device="cuda")
print("computes", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def here():
    """This machine's GPUs, from a separate process, because this one may have a simulated NVML."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        pytest.skip(f"no real GPU: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def gpu(here):
    """The first idle GPU."""
    free = [g for g in here["gpus"] if not g["trouble"] and not g["processes"]]
    free = [g for g in free if g["mode"] != 2 and g["used"] < max(GIB, g["total"] // 50)]
    if not free:
        pytest.skip(f"no GPU is idle: {here['gpus']}")
    return free[0]


@pytest.fixture
def say(capsys):
    """Prints an observation, even though pytest captures a test's output."""

    def print_it(*words):
        with capsys.disabled():
            print("\n    ", *words, end="")

    return print_it


@pytest.fixture
def leasing(gpu):
    return ["run", "train.py", "--gpus", "1", "--gpu-indices", gpu["label"]]


@pytest.fixture
def diary(folder):
    def read():
        lines = (folder / "diary").read_text().splitlines()
        return sorted(map(json.loads, lines), key=lambda entry: entry["began"])

    return read


@pytest.fixture
def waits(annotate):
    """Waits until a trial of the experiment is blocked by one of the rules; returns the reason."""

    def listed(name, rules):
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            trials = json.loads(annotate("trial", "ls", name, "--json").stdout)
            blocks = [b for t in trials for b in (t["gpu"] or {"waits": []})["waits"]]
            if blocks and blocks[0]["rule"] in rules:
                return blocks[0]
            time.sleep(0.5)
        raise AssertionError("no trial waits")

    return listed


def name_of(driver):
    return driver.stderr.readline().removeprefix("experiment ").partition(":")[0]


def forked(home):
    logs = [path.read_text() for path in home.glob("experiments/*/driver.log")]
    return all("trials are forked from a process with torch imported" in log for log in logs)


def test_this_machines_gpus_are_described(here, say):
    say(f"driver {here['driver']}, torch {here['torch']}, CUDA {here['cuda']}, NCCL {here['nccl']}")
    for gpu in here["gpus"]:
        size = f"{gpu['used'] / GIB:.2f} of {gpu['total'] / GIB:.1f} GiB used"
        kind = "an instance" if gpu["mig"] else "a card"
        rest = f"{kind}, {size}, processes {gpu['processes']} {gpu['trouble']}"
        say(f"GPU {gpu['label']}: {gpu['name']}, {rest}")


def test_forked_trials_use_cuda_one_after_the_other_and_are_measured(
    folder, annotate, home, gpu, leasing, diary, say
):
    (folder / "train.py").write_text(TRAIN)
    done = annotate(*leasing, "--max-trials", "4", "--json", timeout=LIMIT)
    assert forked(home)
    entries = diary()
    assert len(entries) == 4
    assert len({entry["parent"] for entry in entries}) == 1, "all forked from one process"
    assert {entry["seen"] for entry in entries} == {gpu["shown"]}
    assert all(first["ended"] <= second["began"] for first, second in pairwise(entries))
    for trial in json.loads(done.stdout)["trials"]:
        use = trial["gpu"]
        say(f"trial {trial['number']} on {entries[0]['name']}: {use}")
        assert GIB < use["peak"] < 4 * GIB, "its memory was measured"
        assert gpu["mig"] or (use["utilisation"] or 0) > 10, "its utilisation was measured"
        assert use["seconds"] > 5
    say(*[text for text in done.stderr.splitlines() if "NVML does not report" in text])


def test_two_experiments_take_turns_and_a_killed_one_releases_its_gpu(
    folder, begin, waits, leasing, diary, say
):
    (folder / "train.py").write_text(TRAIN)
    words = ["-m", "annotate", *leasing, "--max-trials", "1"]
    first = begin(*words, TAKES="600")
    holder = name_of(first)
    end = time.monotonic() + LIMIT
    second = None
    while second is None:
        assert time.monotonic() < end
        done = subprocess.run(
            [sys.executable, "-m", "annotate", "trial", "ls", holder, "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        if any((t["gpu"] or {}).get("peak") for t in json.loads(done.stdout)):
            second = begin(*words)
        time.sleep(0.5)
    block = waits(name_of(second), {"leased"})
    say(block["text"])
    assert (block["experiment"], block["pid"]) == (holder, first.pid)
    assert block["user"]
    first.kill()
    _, errors = second.communicate(timeout=LIMIT)
    assert second.returncode == 0, errors
    assert len(diary()) == 1, "the killed driver's trial did not finish"


def test_another_program_is_named_while_trials_wait_for_it(
    folder, begin, waits, gpu, leasing, diary, say
):
    (folder / "train.py").write_text(TRAIN)
    guest = begin("-c", GUEST, CUDA_VISIBLE_DEVICES=gpu["uuid"])
    assert guest.stdout.readline() == "computes\n", guest.communicate()[1]
    driver = begin("-m", "annotate", *leasing, "--max-trials", "1")
    # In a container NVML may list no processes, or the host's process IDs.
    block = waits(name_of(driver), {"computes", "unseen", "memory"})
    say(block["text"])
    if block["rule"] == "computes":
        assert block["pid"] == guest.pid
        assert block["process"].startswith("python")
    assert block.get("memory", 2 * GIB) >= 2 * GIB
    guest.kill()
    _, errors = driver.communicate(timeout=LIMIT)
    assert driver.returncode == 0, errors
    assert len(diary()) == 1


def test_packing_follows_measurements(folder, annotate, gpu, leasing, diary, say):
    if gpu["total"] < 8 * GIB or gpu["mode"]:
        pytest.skip(f"too small, or allows only one process: {gpu}")
    (folder / "train.py").write_text(IDLE)
    words = ["--trials-per-gpu", "auto", "--concurrency", "3", "--max-trials", "4"]
    done = annotate(*leasing, *words, "--json", timeout=LIMIT)
    entries = diary()
    assert entries[0]["ended"] <= entries[1]["began"], "the first trial ran alone, to be measured"
    assert entries[2]["began"] < entries[1]["ended"], "then several trials fit"
    peaks = [trial["gpu"]["peak"] for trial in json.loads(done.stdout)["trials"]]
    say("peaks in GiB:", [peak and round(peak / GIB, 2) for peak in peaks])
    assert all(peak is not None and GIB < peak < 3 * GIB for peak in peaks)


def test_a_packed_trial_that_ran_out_of_memory_runs_again_alone(
    folder, annotate, gpu, leasing, say
):
    if gpu["mode"]:
        pytest.skip(f"allows only one process: {gpu}")
    (folder / "train.py").write_text(GREEDY)
    words = ["--trials-per-gpu", "2", "--concurrency", "2", "--max-trials", "2"]
    done = annotate(*leasing, *words, timeout=LIMIT)
    (message,) = [text for text in done.stderr.splitlines() if "it will run again" in text]
    say(message)
    assert message.endswith("ran out of GPU memory beside others: it will run again, alone")
    assert "2 trials (2 succeeded)" in done.stdout


def test_a_trial_that_needs_too_much_memory_fails_with_that_reason(folder, annotate, leasing, say):
    (folder / "train.py").write_text(HOPELESS)
    done = annotate(*leasing, "--max-trials", "1", code=1, timeout=LIMIT)
    (message,) = [text for text in done.stderr.splitlines() if "FAILED" in text]
    say(message[:150])
    assert "out of GPU memory" in message


def test_nccl_works_after_a_fork(folder, annotate, home, here, leasing, say):
    if not here["nccl"]:
        pytest.skip("this PyTorch has no NCCL")
    (folder / "train.py").write_text(RANKS)
    annotate(*leasing, "--max-trials", "2", timeout=LIMIT)
    assert forked(home)
    say("one rank, in each of two forks")


def test_nccl_works_between_two_gpus_after_a_fork(folder, annotate, home, here, say):
    cards = [g for g in here["gpus"] if not g["mig"] and not g["trouble"] and not g["processes"]]
    if len(cards) < 2 or not here["nccl"]:
        pytest.skip(f"needs two idle cards and NCCL; found {len(cards)}")
    (folder / "train.py").write_text(RANKS)
    done = annotate("run", "train.py", "--gpus", "2", "--max-trials", "2", timeout=LIMIT)
    assert forked(home)
    assert "Best: trial 0 with 2" in done.stdout
    say("two ranks, in each of two forks")


def test_compiling_works_after_a_fork(folder, annotate, home, leasing, say):
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("torch.compile needs a C compiler")
    (folder / "train.py").write_text(COMPILES)
    annotate(*leasing, "--max-trials", "2", timeout=LIMIT)
    assert forked(home)
    say("in each of two forks")


def test_a_mig_instance_is_leased_like_a_card(folder, annotate, here, diary, say):
    free = [g for g in here["gpus"] if g["mig"] and not g["processes"]]
    if not free:
        pytest.skip("no card is in MIG mode with an idle instance")
    (folder / "train.py").write_text(TRAIN)
    words = ["--gpus", "1", "--gpu-indices", free[0]["label"], "--max-trials", "2"]
    annotate("run", "train.py", *words, timeout=LIMIT)
    assert {entry["seen"] for entry in diary()} == {free[0]["shown"]}
    say(f"GPU {free[0]['label']}, {free[0]['uuid']}")
