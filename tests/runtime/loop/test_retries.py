"""Retries, memory limits and full disks."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.runtime.processes import runs


def document(annotate, *words, **more):
    return json.loads(annotate("run", *words, "--json", **more).stdout)


def wait_for(condition, within=60.0):
    until = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
    return value


def start(*words, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "annotate", "run", "train.py", *map(str, words)],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# Retries


FLAKY = """\
import os
x = 0  # @nni.randint(0, 3)
with open(f"runs{x}", "a") as file:
    file.write(".")
runs = os.path.getsize(f"runs{x}")
# @nni.report_intermediate_result(runs)
if runs <= 2 and x == 1:
    raise OSError(f"not yet: {runs}")
# @nni.report_final_result(10 * x + runs)
"""


@pytest.mark.parametrize("options", [[], ["--fresh-process"]])
def test_a_failed_trial_runs_again_with_its_values(annotate, folder, options):
    (folder / "train.py").write_text(FLAKY)
    words = ("train.py", "--max-trials", 3, "--retries", 2, "--json", *options)
    done = annotate("run", *words)
    trials = json.loads(done.stdout)["trials"]
    assert sorted(t["metric"] for t in trials) == [1, 13, 21]
    (flaky,) = [t for t in trials if t["metric"] == 13]
    assert (flaky["retries"], flaky["state"], flaky["intermediate"]) == (2, "SUCCEEDED", [3])
    assert {t["retries"] for t in trials if t is not flaky} == {0}
    assert "will run again (retry 1 of 2): exit code 1: OSError: not yet: 1" in done.stderr
    assert done.stderr.count("Traceback") == 1, "the same again is counted"


def test_a_trial_with_no_retry_left_has_failed(annotate, folder):
    (folder / "train.py").write_text(FLAKY)
    trials = document(annotate, "train.py", "--max-trials", 3, "--retries", 1)["trials"]
    (failed,) = [t for t in trials if t["state"] == "FAILED"]
    assert (failed["retries"], failed["reason"]) == (1, "exit code 1: OSError: not yet: 2")
    listed = annotate("trial", "ls").stdout
    assert "OSError: not yet: 2 (failed 2 times)" in listed


def test_trials_that_lost_their_fork_server_run_again(annotate, folder):
    (folder / "train.py").write_text(
        "import os, signal\nx = 0  # @nni.randint(0, 3)\n"
        "if x == 1 and not os.path.exists('killed'):\n"
        "    open('killed', 'w').close()\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n    signal.pause()\n"
        "# @nni.report_final_result(x)\n"
    )
    done = annotate("run", "train.py", "--max-trials", 3, "--json")
    trials = json.loads(done.stdout)["trials"]
    assert [t["state"] for t in trials] == ["SUCCEEDED"] * 3
    assert {t["retries"] for t in trials} == {0}
    assert "was interrupted because its fork server ended" in done.stderr


def test_a_trial_that_keeps_killing_its_fork_server_fails(annotate, folder):
    (folder / "train.py").write_text(
        "import os, signal\nx = 0  # @nni.randint(0, 2)\n"
        "if x == 1:\n    os.kill(os.getppid(), signal.SIGKILL)\n    signal.pause()\n"
        "# @nni.report_final_result(x)\n"
    )
    trials = document(annotate, "train.py", "--max-trials", 2)["trials"]
    assert [t["state"] for t in trials] == ["SUCCEEDED", "FAILED"]


# No processes are left


ORPHANS = """\
import os, signal, subprocess, sys, time
x = 0  # @nni.randint(0, 2)
sleep = [sys.executable, "-c", "import signal, time;"
         "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"]
away = subprocess.Popen(sleep, start_new_session=True)
near = subprocess.Popen(sleep)
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
with open("pids", "w") as file:
    file.write(f"{away.pid} {near.pid} {os.getpid()} ")
os.rename("pids", "all")
time.sleep(600 if sys.argv[1:] else 0)
# @nni.report_final_result(x)
"""


def gone(pids):
    return [p for p in pids if runs(p)] == []


def pids_of(folder):
    file = folder / "all"
    return file.exists() and [int(word) for word in file.read_text().split()]


@pytest.mark.parametrize("options", [[], ["--fresh-process"]])
def test_nothing_outlives_a_driver_that_was_killed(folder, options):
    (folder / "train.py").write_text(ORPHANS)
    driver = start("--max-trials", 1, *options, "--", "long")
    pids = wait_for(lambda: pids_of(folder))
    pids += [p.pid for p in psutil.Process(driver.pid).children(recursive=True)]
    driver.kill()
    driver.communicate()
    wait_for(lambda: gone(pids))


@pytest.mark.parametrize("options", [[], ["--fresh-process"]])
def test_processes_that_a_trial_left_in_other_sessions_end_too(annotate, folder, options):
    (folder / "train.py").write_text(ORPHANS)
    annotate("run", "train.py", "--max-trials", 1, *options)
    assert gone(pids_of(folder))


# Memory


def test_a_trial_that_uses_too_much_memory_is_stopped_with_that_reason(annotate, folder):
    (folder / "train.py").write_text(
        "import time\nx = 0  # @nni.randint(0, 2)\n"
        "held = b'x' * (400_000_000 * x)\ntime.sleep(60 * x)\n"
        "# @nni.report_final_result(x)\n"
    )
    trials = document(annotate, "train.py", "--max-trials", 2, "--memory", "200MiB")["trials"]
    assert [t["state"] for t in trials] == ["SUCCEEDED", "FAILED"]
    assert trials[1]["reason"] == "used more than --memory 200MiB"


@pytest.mark.parametrize("options", [[], ["--fresh-process"]])
def test_a_kill_by_the_systems_oom_killer_is_named(annotate, folder, cgroup, options):
    (folder / "train.py").write_text(
        "import os\nx = 0  # @nni.randint(0, 2)\n"
        "if x:\n    held = b'x' * 2_000_000_000\n"
        "# @nni.report_final_result(x)\n"
    )
    command = [sys.executable, "-m", "annotate", "run", "train.py", "--max-trials", "2", *options]
    done = subprocess.run(
        ["sh", "-c", 'echo $$ > "$0"; exec "$@"', cgroup / "cgroup.procs", *command, "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    trials = json.loads(done.stdout)["trials"]
    assert [t["state"] for t in trials] == ["SUCCEEDED", "FAILED"], done.stderr
    assert trials[1]["reason"] == "out of memory: killed by the system (SIGKILL)"


@pytest.fixture
def cgroup():
    """A control group that may use 300 MB."""
    for above, limit in (
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        ("/sys/fs/cgroup", "memory.max"),
    ):
        path = Path(above, f"annotate-test-{os.getpid()}")
        try:
            path.mkdir()
            (path / limit).write_text("300000000")
        except OSError:
            continue
        yield path
        wait_for(lambda path=path: not (path / "cgroup.procs").read_text())
        path.rmdir()
        return
    pytest.skip("no control group for memory can be made here")


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ("MemoryError", "out of memory: exit code 1: MemoryError"),
        (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
            "out of GPU memory: exit code 1: torch.OutOfMemoryError: CUDA out of memory. Tried to"
            " allocate 2.00 GiB.",
        ),
        (
            "RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"
            " bytes.\nframes of C++",
            "out of memory: exit code 1: RuntimeError: DefaultCPUAllocator: can't allocate memory:"
            " you tried to allocate 9 bytes.",
        ),
        ("ValueError: a memory", "exit code 1: ValueError: a memory"),
    ],
)
def test_out_of_memory_errors_are_named(annotate, folder, last, reason):
    (folder / "said").write_text(f"Traceback (most recent call last):\n  frames\n{last}\n")
    (folder / "train.py").write_text(
        "import sys\nx = 0  # @nni.randint(0, 2)\nsys.stderr.write(open('said').read())\n"
        "sys.exit(1)\n# @nni.report_final_result(x)\n"
    )
    words = ("--max-trials", 1, "--max-failures", 9)
    (trial,) = document(annotate, "train.py", *words, code=1)["trials"]
    assert trial["reason"] == reason


# A full disk


@pytest.fixture
def small_disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "none", path], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def until_said(driver, words):
    """Wait until the driver prints it."""
    while words not in (line := driver.stderr.readline()):
        assert line


def test_no_result_is_lost_to_a_full_disk(folder, small_disk):
    (folder / "train.py").write_text(
        "import os, time\nx = 0  # @nni.randint(0, 4)\n"
        "while x and not os.path.exists('full'): time.sleep(0.02)\n"
        "for n in range(200):\n"
        "    # @nni.report_intermediate_result({'default': n, 'text': 'x' * 100})\n    pass\n"
        "# @nni.report_final_result(x)\n"
    )
    driver = start("--max-trials", 4, "--json", ANNOTATE_HOME=str(small_disk))
    wait_for(lambda: list(small_disk.glob("experiments/*/trials/1/parameters.json")))
    with (small_disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(b"x" * 4096)
    (folder / "full").touch()
    room = threading.Timer(60, (small_disk / "ballast").unlink)
    room.start()
    until_said(driver, f"the disk of {next(small_disk.glob('experiments/*'))} is full")
    room.cancel()
    assert (small_disk / "ballast").exists(), "it is said while the results find no room"
    (small_disk / "ballast").unlink()
    out, err = driver.communicate(timeout=100)
    assert driver.returncode == 0, err
    assert "has space again" in err
    trials = json.loads(out)["trials"]
    assert [(t["state"], len(t["intermediate"])) for t in trials] == [("SUCCEEDED", 200)] * 4
    assert {t["metric"] for t in trials} == {0, 1, 2, 3}


def test_an_interrupt_ends_the_wait_for_disk_space(folder, small_disk):
    (folder / "train.py").write_text(
        "import os, time\nx = 0  # @nni.randint(0, 4)\n"
        "while x and not os.path.exists('full'): time.sleep(0.02)\n"
        "# @nni.report_final_result(x)\n"
    )
    driver = start("--max-trials", 4, ANNOTATE_HOME=str(small_disk))
    wait_for(lambda: list(small_disk.glob("experiments/*/trials/1/parameters.json")))
    (small_disk / "ballast").write_bytes(b"")
    with (small_disk / "ballast").open("r+b") as ballast:
        free = os.statvfs(small_disk)
        ballast.write(b"x" * (free.f_bavail * free.f_frsize - (1 << 17)))
    (folder / "full").touch()
    until_said(driver, "waits for space")
    driver.send_signal(signal.SIGINT)
    _, err = driver.communicate(timeout=60)
    assert driver.returncode in (2, 130)
    assert "annotate resume" in err
    assert "Traceback" not in err


def test_a_typed_max_failures_counts_where_nothing_reports_a_result(folder, annotate):
    (folder / "train.py").write_text("lr = 0.5  # @nni.uniform(0, 1)\n")
    words = "--max-failures", 2, "--max-trials", 5, "--tuner", "random"
    done = annotate("run", "train.py", *words, code=1)
    assert "the first 2 trials failed" in done.stdout + done.stderr


def test_a_config_file_has_no_limit_of_failures_unless_it_names_one(folder, annotate):
    (folder / "train.py").write_text(
        "import nni, os\n"
        "x = nni.get_next_parameter()['x']\n"
        "assert os.path.exists('mended')\n"
        "nni.report_final_result(x)\n"
    )
    config = (
        "maxTrialNum: 5\ntrialConcurrency: 1\nsearchSpace: {x: {_type: uniform, _value: [0, 1]}}\n"
        "tuner: {name: Random}\ntrial: {command: python3 train.py}\n"
    )
    (folder / "config.yml").write_text(config)
    done = annotate("run", "-c", "config.yml", "--json", code=1)
    document = json.loads(done.stdout)
    assert [trial["state"] for trial in document["trials"]] == ["FAILED"] * 5
    assert document["reason"] == "every trial failed"
    (folder / "config.yml").write_text(config + "maxTrialFailures: 2\n")
    document = json.loads(annotate("run", "-c", "config.yml", "--json", code=1).stdout)
    assert (document["reason"], len(document["trials"])) == ("the first 2 trials failed", 2)
    assert "the first 2 trials failed" in annotate("resume", code=1).stdout
    (folder / "mended").touch()
    resumed = json.loads(annotate("resume", "--json").stdout)
    states = [trial["state"] for trial in resumed["trials"]]
    assert states == [*["FAILED"] * 4, "SUCCEEDED"]
