"""Experiments with GPUs, from the command line, over a simulated NVML."""

import json
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise

import pytest

#: Computes, as far as the simulated NVML can see, and keeps a diary of when and where.
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
    """Begin `annotate` with these words beside the script."""
    return partial(begin, "-m", "annotate")


def diary(machine):
    return [json.loads(line) for line in (machine.folder / "diary").read_text().splitlines()]


def until(condition, what, seconds=60.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.1)
    return found


def test_no_two_trials_of_two_experiments_share_a_gpu(tune, machine):
    machine.write(*machine.gpus(2, util=30))
    words = ["run", "train.py", "--gpus", "1", "--concurrency", "4", "--max-trials", "4"]
    both = [tune(*words, "--json", "--seed", str(seed)) for seed in (1, 2)]
    outputs = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    entries = diary(machine)
    assert len(entries) == 8
    for uuid in (machine.uuid(0), machine.uuid(1)):
        times = sorted((begin, end) for gpus, begin, end, _ in entries if gpus == [uuid])
        assert all(one[1] <= other[0] for one, other in pairwise(times)), times
    assert {order for *_, order in entries} == {"PCI_BUS_ID"}
    trials = json.loads(outputs[0][0])["trials"]
    assert all(trial["gpu"]["gpus"] in (["0"], ["1"]) for trial in trials)
    assert all(trial["gpu"]["seconds"] > 0.5 for trial in trials)


def test_a_waiting_trial_says_why_and_a_killed_driver_frees_its_leases(
    tune, machine, annotate, home
):
    machine.write(*machine.gpus(1))
    words = ["run", "train.py", "--gpus", "1", "--max-trials", "1"]
    first = tune(*words, TAKES="600")
    until(lambda: list(machine.folder.glob("*.process")), "the first trial computes")
    second = tune("run", "train.py", "--gpus", "1", "--max-trials", "1")

    shown = until(lambda: second.stderr.readline(), "the second experiment begins")
    name = shown.removeprefix("experiment ").partition(":")[0]

    def waits():
        trials = json.loads(annotate("trial", "ls", name, "--json").stdout)
        return next((t for t in trials if t["gpu"] and t["gpu"]["waits"]), None)

    trial = until(waits, "the second experiment's trial waits")
    assert trial["state"] == "WAITING"
    (block,) = trial["gpu"]["waits"]
    assert (block["rule"], block["gpu"], block["pid"]) == ("leased", "0", first.pid)
    assert block["user"]
    assert (
        f"waits for a GPU: GPU 0 is leased to experiment {block['experiment']}" in trial["reason"]
    )
    assert trial["reason"] in " ".join(annotate("trial", "ls", name).stdout.split())
    log = home / "experiments" / name / "driver.log"
    said = "trial 0 waits for a GPU: GPU 0 is leased to experiment"
    until(lambda: said in log.read_text(), "the log says so")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    output, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert "GPU-seconds" in output


def test_what_a_trial_waited_for_is_kept_when_it_runs(script, machine, annotate):
    machine.write(*machine.gpus(1))
    words = ["--gpus", "1", "--concurrency", "2", "--max-trials", "2", "--json"]
    done = annotate("run", "train.py", *words, TAKES="2")
    one, two = sorted(json.loads(done.stdout)["trials"], key=lambda t: t["gpu"]["waited"])
    assert one["gpu"]["waited"] < 1
    assert two["gpu"]["waited"] > 1.5
    (text,) = two["gpu"]["waited_for"]
    assert text.startswith(f"GPU 0 runs trial {one['number']} since")
    assert two["gpu"]["waits"] == []


def test_with_room_for_all_trials_unused_gpus_have_their_reason(script, machine, tune, annotate):
    machine.write(*machine.gpus(2))
    guest = tune("run", "train.py", "--gpus", "0", "--max-trials", "1", TAKES="600")
    line = f"process gpu=1 pid={guest.pid} memory=9000"
    (machine.folder / "guest.process").write_text(line)
    words = ["--gpus", "1", "--concurrency", "auto", "--max-trials", "2"]
    done = annotate("run", "train.py", *words, TAKES="3")
    said = [text for text in done.stderr.splitlines() if "no trial runs on GPU 1" in text]
    assert len(said) == 1
    assert f"(pid {guest.pid}, " in said[0]


def test_a_trial_that_has_no_slot_any_more_waits_for_no_gpu(tune, machine, annotate):
    machine.write(*machine.gpus(1))
    words = ["--gpus", "1", "--concurrency", "2", "--max-trials", "2"]
    driver = tune("run", "train.py", *words, TAKES="600")
    name = driver.stderr.readline().removeprefix("experiment ").partition(":")[0]

    def listed(said):
        return said in annotate("trial", "ls", name).stdout

    until(lambda: listed("waits for a GPU: GPU 0 runs trial"), "the second trial waits for a GPU")
    annotate("update", "concurrency", name, "--value", "1")
    until(lambda: listed("until a slot is free"), "it waits for a slot alone")


def test_a_packed_trial_without_room_runs_again_alone(script, machine, annotate):
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
    assert "ran out of GPU memory beside others: it runs again, alone" in done.stderr
    assert "3 trials (3 succeeded)" in done.stdout
    times = sorted((begin, end) for _, begin, end, _ in diary(machine))
    assert all(one[1] <= other[0] for one, other in pairwise(times))


def test_room_that_was_wanting_is_recognised_whoever_of_a_trial_says_so(script, machine, annotate):
    """The words stand before the last traceback, as those of a child, or of a cause, do."""
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
    assert "ran out of GPU memory beside others: it runs again, alone" in done.stderr
    assert "2 trials (2 succeeded)" in done.stdout


def test_a_trial_whose_gpu_is_lost_runs_again_on_another(tune, machine):
    machine.write(*machine.gpus(2))
    words = ["--gpus", "1", "--max-trials", "1", "--json"]
    driver = tune("run", "train.py", *words, TAKES="5", FAILS=machine.uuid(0))
    until(lambda: list(machine.folder.glob("*.process")), "the trial computes")
    machine.write(machine.gpu(0, error=15), machine.gpu(1), "xid gpu=0 number=79 serial=41")
    output, errors = driver.communicate(timeout=60)
    assert driver.returncode == 0, errors
    assert "trial 0 was cut off, as GPU 0 gives an error: GPU is lost; it runs again" in errors
    assert "GPU 0 is set aside" in errors
    (trial,) = json.loads(output)["trials"]
    assert (trial["state"], trial["gpu"]["gpus"]) == ("SUCCEEDED", ["1"])


def test_a_gpu_that_is_silent_at_the_start_is_left_out_and_that_is_said(script, machine, annotate):
    machine.write(machine.gpu(0, error=15), machine.gpu(1))
    done = annotate("run", "train.py", "--gpus", "1", "--max-trials", "1")
    said = "GPU 0 gives an error: GPU is lost: this driver goes on without it"
    assert said in done.stderr
    assert diary(machine)[0][0] == [machine.uuid(1)]
    done = annotate("run", "train.py", "--gpus", "2", code=2)
    assert "only 1 of 2 work" in done.stderr


def test_concurrency_auto_is_what_the_gpus_have_room_for(script, machine, annotate):
    both = "len([n for n in os.listdir(folder) if n.endswith('.process')]) == 2"
    (script / "train.py").write_text(TRAIN.replace("began = ", WAIT.format(both) + "began = "))
    machine.write(*machine.gpus(4))
    annotate("run", "train.py", "--gpus", "2", "--concurrency", "auto", "--max-trials", "2")
    first, second = sorted(diary(machine), key=lambda entry: entry[1])
    assert sorted(first[0] + second[0]) == [machine.uuid(n) for n in range(4)]
    assert second[1] < first[2], "they ran at the same time"


@pytest.mark.parametrize(
    ("lines", "words", "said"),
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
            ["--gpus must not be negative", "--trials-per-gpu must be at least 1"],
        ),
        (
            "",
            ["--gpu-indices", "0", "--use-active-gpu", "--gpus", "0"],
            ["--gpu-indices, --use-active-gpu have no effect without --gpus"],
        ),
    ],
)
def test_what_is_missing_is_said_before_anything_starts(
    script, machine, annotate, home, lines, words, said
):
    machine.write(lines)
    done = annotate("run", "train.py", *words, code=2)
    assert all(words in done.stderr for words in said)
    assert not list(home.glob("experiments/*/experiment.db"))


def test_a_driver_that_takes_its_time_to_answer_is_not_waited_for_in_silence(
    script, machine, annotate
):
    machine.write("init slow=4000", *machine.gpus(1))
    done = annotate("run", "train.py", "--gpus", "1", "--max-trials", "1")
    assert done.stderr.startswith("NVIDIA's driver has not answered yet\n")


def test_options_of_a_config_file_without_a_gpu_to_lease_are_named(script, annotate):
    (script / "config.yml").write_text(
        "useAnnotation: true\nmaxTrialNum: 1\n"
        "trial:\n  command: python3 train.py\n  codeDir: .\n  gpuNum: 0\n"
        "localConfig:\n  gpuIndices: 0\ntuner:\n  builtinTunerName: Random\n"
    )
    done = annotate("run", "-c", "config.yml", code=None)
    assert "config.yml: localConfig.gpuIndices has no effect" in done.stderr


def test_without_a_driver_gpus_1_says_so(script, annotate):
    if subprocess.run(["sh", "-c", "ldconfig -p | grep -q libnvidia-ml"], check=False).returncode:
        done = annotate("run", "train.py", "--gpus", "1", code=2)
        assert "there is no NVIDIA driver here" in done.stderr
    else:
        pytest.skip("this machine has NVIDIA's driver")


@pytest.mark.parametrize(("words", "seen"), [(["--gpus", "0"], "-1"), ([], "None")])
def test_nvml_is_not_loaded_where_no_gpu_is_asked_for(folder, words, seen, monkeypatch):
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
