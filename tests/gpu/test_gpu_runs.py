"""Experiments with GPUs, from the command line, with a simulated NVML."""

import json
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise

import pytest

#: Appears to compute in the simulated NVML, and keeps a diary of when and where.
TRAIN = """\
import json, os, time
lr = 0.1  # @nni.uniform(0, 1)
folder, gpus = os.environ["FAKE_NVML"], os.environ["CUDA_VISIBLE_DEVICES"].split(",")
mine = f"{folder}/{os.getpid()}"
with open(mine + ".new", "w") as file:
    for gpu in gpus:
        file.write(f"process gpu={gpu} pid={os.getpid()} memory=4000\\n")
os.rename(mine + ".new", mine + ".process")
began = time.time()
time.sleep(float(os.environ.get("TAKES", "0.6")))
with open(f"{folder}/diary", "a") as file:
    file.write(json.dumps([gpus, began, time.time(), os.environ["CUDA_DEVICE_ORDER"]]) + "\\n")
if gpus[0] == os.environ.get("FAILS"):
    raise RuntimeError("CUDA error: unspecified launch failure")
# @nni.report_final_result(lr)
"""
WAIT = """\
until = time.time() + 60
while not {} and time.time() < until:
    time.sleep(0.01)
"""


@pytest.fixture
def script(folder):
    (folder / "train.py").write_text(TRAIN)
    return folder


@pytest.fixture
def tune(script, begin):
    """Starts `annotate` with these arguments in the script's folder."""
    return partial(begin, "-m", "annotate")


def diary(machine):
    return [json.loads(line) for line in (machine.folder / "diary").read_text().splitlines()]


def until(condition, what, seconds=60.0):
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.1)
    return result


def test_no_two_trials_of_two_experiments_share_a_gpu(tune, machine):
    machine.write(*machine.gpus(2, util=30))
    words = ["run", "train.py", "--gpus", "1", "--concurrency", "4", "--max-trials", "4"]
    drivers = [tune(*words, "--json", "--seed", str(seed)) for seed in (1, 2)]
    outputs = [driver.communicate(timeout=120) for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], outputs
    entries = diary(machine)
    assert len(entries) == 8
    for uuid in (machine.uuid(0), machine.uuid(1)):
        times = sorted((begin, end) for gpus, begin, end, _ in entries if gpus == [uuid])
        assert all(first[1] <= second[0] for first, second in pairwise(times)), times
    assert {order for *_, order in entries} == {"PCI_BUS_ID"}
    trials = json.loads(outputs[0][0])["trials"]
    assert all(trial["gpu"]["gpus"] in (["0"], ["1"]) for trial in trials)
    assert all(trial["gpu"]["seconds"] > 0.5 for trial in trials)


def test_a_waiting_trial_has_a_reason_and_a_killed_driver_releases_its_leases(
    tune, machine, annotate, home
):
    machine.write(*machine.gpus(1))
    words = ["run", "train.py", "--gpus", "1", "--max-trials", "1"]
    first = tune(*words, TAKES="600")
    until(lambda: list(machine.folder.glob("*.process")), "the first trial computes")
    second = tune("run", "train.py", "--gpus", "1", "--max-trials", "1")

    line = until(lambda: second.stderr.readline(), "the second experiment begins")
    name = line.removeprefix("experiment ").partition(":")[0]

    def waits():
        trials = json.loads(annotate("trial", "ls", name, "--json").stdout)
        return next((t for t in trials if t["gpu"] and t["gpu"]["waits"]), None)

    trial = until(waits, "the second experiment's trial waits")
    assert trial["state"] == "WAITING"
    (block,) = trial["gpu"]["waits"]
    assert (block["rule"], block["gpu"], block["pid"]) == ("leased", "0", first.pid)
    assert block["user"]
    reason = f"waits for a GPU: GPU 0 has been leased to experiment {block['experiment']}"
    assert reason in trial["reason"]
    assert trial["reason"] in " ".join(annotate("trial", "ls", name).stdout.split())
    log = home / "experiments" / name / "driver.log"
    message = "trial 0 waits for a GPU: GPU 0 has been leased to experiment"
    until(lambda: message in log.read_text(), "the log says so")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    output, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert "GPU-seconds" in output


def test_a_running_trial_keeps_what_it_waited_for(script, machine, annotate):
    machine.write(*machine.gpus(1))
    words = ["--gpus", "1", "--concurrency", "2", "--max-trials", "2", "--json"]
    done = annotate("run", "train.py", *words, TAKES="2")
    first, second = sorted(json.loads(done.stdout)["trials"], key=lambda t: t["gpu"]["waited"])
    assert first["gpu"]["waited"] < 1
    assert second["gpu"]["waited"] > 1.5
    (text,) = second["gpu"]["waited_for"]
    assert text.startswith(f"GPU 0 has been running trial {first['number']} since")
    assert second["gpu"]["waits"] == []


def test_with_auto_concurrency_an_unusable_gpu_is_reported_once(script, machine, tune, annotate):
    machine.write(*machine.gpus(2))
    guest = tune("run", "train.py", "--gpus", "0", "--max-trials", "1", TAKES="600")
    line = f"process gpu=1 pid={guest.pid} memory=9000"
    (machine.folder / "guest.process").write_text(line)
    words = ["--gpus", "1", "--concurrency", "auto", "--max-trials", "2"]
    done = annotate("run", "train.py", *words, TAKES="3")
    (message,) = [text for text in done.stderr.splitlines() if "GPU 1 is unused" in text]
    assert f"(pid {guest.pid}, " in message


def test_a_trial_that_lost_its_slot_no_longer_waits_for_a_gpu(tune, machine, annotate):
    machine.write(*machine.gpus(1))
    words = ["--gpus", "1", "--concurrency", "2", "--max-trials", "2"]
    driver = tune("run", "train.py", *words, TAKES="600")
    name = driver.stderr.readline().removeprefix("experiment ").partition(":")[0]

    def listed(reason):
        return reason in " ".join(annotate("trial", "ls", name).stdout.split())

    reason = "waits for a GPU: GPU 0 has been running trial"
    until(lambda: listed(reason), "the second trial waits for a GPU")
    annotate("update", "concurrency", name, "--value", "1")
    until(lambda: listed("until a slot is free"), "it waits only for a slot")


def test_a_packed_trial_that_ran_out_of_memory_runs_again_alone(script, machine, annotate):
    text = TRAIN.replace(
        "began = ",
        "others = [n for n in os.listdir(folder) if n.endswith('.process')]\n"
        "if len(others) == 2:\n"
        "    os.remove(mine + '.process')\n"
        "    open(folder + '/met', 'w').close()\n"
        "    raise RuntimeError('CUDA out of memory. Tried to allocate 2.00 GiB')\n"
        + WAIT.format("os.path.exists(folder + '/met')")
        + "began = ",
    ).replace("# @nni.report", "os.remove(mine + '.process')\n# @nni.report")
    (script / "train.py").write_text(text)
    machine.write(*machine.gpus(1))
    words = ["--gpus", "1", "--trials-per-gpu", "2", "--concurrency", "2", "--max-trials", "3"]
    done = annotate("run", "train.py", *words)
    assert "ran out of GPU memory beside others: it will run again, alone" in done.stderr
    assert "3 trials (3 succeeded)" in done.stdout
    times = sorted((begin, end) for _, begin, end, _ in diary(machine))
    assert all(first[1] <= second[0] for first, second in pairwise(times))


def test_an_out_of_memory_error_before_the_last_traceback_counts(script, machine, annotate):
    """It may come from a child process, or be the cause of the last exception."""
    text = TRAIN.replace(
        "began = ",
        "import sys\nothers = [n for n in os.listdir(folder) if n.endswith('.process')]\n"
        "if len(others) == 2:\n"
        "    os.remove(mine + '.process')\n"
        "    sys.stderr.write('torch.OutOfMemoryError: CUDA out of memory. Tried\\n')\n"
        "    raise RuntimeError('a child failed')\n"
        "began = ",
    ).replace("# @nni.report", "os.remove(mine + '.process')\n# @nni.report")
    (script / "train.py").write_text(text)
    machine.write(*machine.gpus(1))
    words = ["--gpus", "1", "--trials-per-gpu", "2", "--concurrency", "2", "--max-trials", "2"]
    done = annotate("run", "train.py", *words, TAKES="1.5")
    assert "ran out of GPU memory beside others: it will run again, alone" in done.stderr
    assert "2 trials (2 succeeded)" in done.stdout


def test_a_trial_that_lost_its_gpu_runs_again_on_another(tune, machine):
    machine.write(*machine.gpus(2))
    words = ["--gpus", "1", "--max-trials", "1", "--json"]
    driver = tune("run", "train.py", *words, TAKES="5", FAILS=machine.uuid(0))
    until(lambda: list(machine.folder.glob("*.process")), "the trial computes")
    machine.write(machine.gpu(0, error=15), machine.gpu(1), "xid gpu=0 number=79 serial=41")
    output, errors = driver.communicate(timeout=60)
    assert driver.returncode == 0, errors
    assert (
        "trial 0 was interrupted because GPU 0 reports an error: GPU is lost; it will run again"
        in errors
    )
    assert "GPU 0 is quarantined" in errors
    (trial,) = json.loads(output)["trials"]
    assert (trial["state"], trial["gpu"]["gpus"]) == ("SUCCEEDED", ["1"])


def test_a_gpu_that_does_not_work_at_the_start_is_left_out_with_a_message(
    script, machine, annotate
):
    machine.write(machine.gpu(0, error=15), machine.gpu(1))
    done = annotate("run", "train.py", "--gpus", "1", "--max-trials", "1")
    message = "GPU 0 reports an error: GPU is lost: this driver continues without it"
    assert message in done.stderr
    assert diary(machine)[0][0] == [machine.uuid(1)]
    done = annotate("run", "train.py", "--gpus", "2", code=2)
    assert "only 1 of 2 work" in done.stderr


def test_concurrency_auto_follows_the_number_of_gpus(script, machine, annotate):
    both = "len([n for n in os.listdir(folder) if n.endswith('.process')]) == 2"
    (script / "train.py").write_text(TRAIN.replace("began = ", WAIT.format(both) + "began = "))
    machine.write(*machine.gpus(4))
    annotate("run", "train.py", "--gpus", "2", "--concurrency", "auto", "--max-trials", "2")
    first, second = sorted(diary(machine), key=lambda entry: entry[1])
    assert sorted(first[0] + second[0]) == [machine.uuid(n) for n in range(4)]
    assert second[1] < first[2], "they ran at the same time"


@pytest.mark.parametrize(
    ("lines", "words", "messages"),
    [
        ("init error=9", ["--gpus", "1"], ["Driver Not Loaded"]),
        (
            "gpu uuid=GPU-q name=Simulated total=80",
            ["--gpus", "2"],
            ["a trial needs 2, this machine has 1", "GPU 0 is Simulated"],
        ),
        (
            "",
            ["--gpus", "-1", "--trials-per-gpu", "0"],
            ["--gpus must be at least 0", "--trials-per-gpu must be at least 1"],
        ),
        (
            "",
            ["--gpu-indices", "0", "--use-active-gpu", "--gpus", "0"],
            ["--gpu-indices, --use-active-gpu have no effect without --gpus"],
        ),
    ],
)
def test_missing_gpus_and_wrong_options_are_reported_before_anything_starts(
    script, machine, annotate, home, lines, words, messages
):
    machine.write(lines)
    done = annotate("run", "train.py", *words, code=2)
    assert all(message in done.stderr for message in messages)
    assert not list(home.glob("experiments/*/experiment.db"))


def test_a_slow_nvidia_driver_is_reported_while_waiting(script, machine, annotate):
    machine.write("init slow=4000", *machine.gpus(1))
    done = annotate("run", "train.py", "--gpus", "1", "--max-trials", "1")
    assert done.stderr.startswith("Still waiting for NVIDIA's driver.\n")


def test_gpu_options_in_a_config_file_without_gpus_are_errors(script, annotate):
    (script / "config.yml").write_text(
        "useAnnotation: true\nmaxTrialNum: 1\n"
        "trial:\n  command: python3 train.py\n  codeDir: .\n  gpuNum: 0\n"
        "localConfig:\n  gpuIndices: 0\ntuner:\n  builtinTunerName: Random\n"
    )
    done = annotate("run", "-c", "config.yml", code=None)
    assert "config.yml: localConfig.gpuIndices has no effect" in done.stderr


def test_gpus_without_an_nvidia_driver_is_an_error(script, annotate):
    if subprocess.run(["sh", "-c", "ldconfig -p | grep -q libnvidia-ml"], check=False).returncode:
        done = annotate("run", "train.py", "--gpus", "1", code=2)
        assert "no NVIDIA driver is installed" in done.stderr
    else:
        pytest.skip("this machine has NVIDIA's driver")


@pytest.mark.parametrize(("words", "seen"), [(["--gpus", "0"], "-1"), ([], "None")])
def test_nvml_is_not_loaded_unless_gpus_are_requested(folder, words, seen, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (folder / "train.py").write_text(
        "import os\nlr = 0.1  # @nni.uniform(0, 1)\n"
        f"assert str(os.environ.get('CUDA_VISIBLE_DEVICES')) == {seen!r}\n"
        "# @nni.report_final_result(lr)\n"
    )
    program = (
        "import sys\nfrom runtime.cli import main\n"
        "code = main(sys.argv[1:])\nassert 'pynvml' not in sys.modules\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "run", "train.py", "--max-trials", "1", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
