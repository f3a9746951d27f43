"""`annotate run` with real scripts in real processes."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

SCRIPT = '''\
"""A script of a user."""
import os, sys, time

lr = 0.25  # @nni.uniform(0.0, 1.0)
depth = 3  # @nni.randint(1, 9)
kind = "a"  # @nni.choice("a", "b", None, 2)

def add(x): return x + 1
def double(x): return 2 * x

# @nni.function_choice(add(lr), double(lr), name=add)
score = add(lr)
for step in range(3):
    # @nni.report_intermediate_result({"default": score * step, "step": step})
    pass
print("kind", kind, "in", os.getcwd(), "with", sys.argv[1:], __name__)
# @nni.report_final_result(score)
'''


@pytest.fixture
def script(folder):
    path = folder / "train.py"
    path.write_text(SCRIPT)
    return path


def document(annotate, *words, **more):
    return json.loads(annotate("run", *words, "--json", **more).stdout)


def test_the_first_of_ten_trials_runs_as_written(annotate, script, unchanged):
    unchanged()
    results = document(annotate, "train.py", "--max-trials", 10, "--seed", 3)
    assert results["state"] == "DONE"
    assert results["optimize"] == "maximize"
    assert [t["number"] for t in results["trials"]] == list(range(10))
    assert {t["state"] for t in results["trials"]} == {"SUCCEEDED"}
    first = results["trials"][0]
    assert first["values"] == {
        "train/lr/uniform": 0.25,
        "train/depth/randint": 3,
        "train/kind/choice": "a",
        "train/add/function_choice": "add(lr)",
    }
    assert first["metric"] == 1.25
    assert first["intermediate"] == [{"default": 1.25 * n, "step": n} for n in range(3)]
    best = max(results["trials"], key=lambda t: t["metric"])
    assert results["best"] == {
        "trial": best["number"],
        "metric": best["metric"],
        "values": best["values"],
    }
    for trial in results["trials"]:
        lr = trial["values"]["train/lr/uniform"]
        doubled = trial["values"]["train/add/function_choice"] == "double(lr)"
        assert trial["metric"] == (2 * lr if doubled else lr + 1)
        assert trial["reason"] is None
        assert trial["seconds"] > 0


def test_the_same_seed_gives_the_same_values_trial_by_trial(annotate, script):
    runs = [document(annotate, "train.py", "--max-trials", 15, "--seed", 7) for _ in range(2)]
    first, second = ([t["values"] for t in run["trials"]] for run in runs)
    assert first == second
    other = document(annotate, "train.py", "--max-trials", 15, "--seed", 8)
    assert [t["values"] for t in other["trials"]] != first


def test_minimize_prefers_the_smallest(annotate, script):
    results = document(annotate, "train.py", "--max-trials", 6, "--minimize", "--tuner", "random")
    assert results["optimize"] == "minimize"
    assert results["best"]["metric"] == min(t["metric"] for t in results["trials"])


def test_without_a_baseline_the_tuner_proposes_every_trial(annotate, script):
    words = ("train.py", "--max-trials", 3, "--tuner", "random", "--seed", 1, "--no-baseline")
    trials = document(annotate, *words)["trials"]
    assert len(trials) == 3
    assert 0.25 not in [t["values"]["train/lr/uniform"] for t in trials]


def test_the_script_runs_where_and_as_the_user_would_run_it(annotate, script, folder, home):
    annotate("run", "train.py", "--max-trials", 1, "--", "--epochs", "2", "a b")
    (stdout,) = home.glob("experiments/*/trials/0/stdout")
    assert stdout.read_text() == f"kind a in {folder} with ['--epochs', '2', 'a b'] __main__\n"


def test_variables_of_env_are_set_for_trials(annotate, folder):
    (folder / "train.py").write_text(
        "import os\nx = 0.5  # @nni.uniform(0, 1)\n"
        "assert (os.environ['MODE'], os.environ['KEY']) == ('a=b', 'mine')\n"
        "# @nni.report_final_result(x)\n"
    )
    words = ["run", "train.py", "--env", "MODE=a=b", "--env", "KEY", "--max-trials", "1"]
    assert "1 trial (1 succeeded)" in annotate(*words, KEY="mine", MODE="other").stdout
    assert "--env KEY: your environment has no KEY" in annotate(*words, code=2).stderr


@pytest.mark.parametrize("words", [[], ["--fresh-process"]])
def test_a_link_to_a_script_runs_by_its_own_name(annotate, script, folder, home, tmp_path, words):
    script.rename(tmp_path / "real.py")
    (folder / "link.py").symlink_to(tmp_path / "real.py")
    results = document(annotate, "link.py", "--max-trials", 2, "--tuner", "random", *words)
    assert [t["state"] for t in results["trials"]] == ["SUCCEEDED", "SUCCEEDED"]
    assert "link/lr/uniform" in results["trials"][1]["values"]


def test_a_script_elsewhere_runs_in_the_current_folder(annotate, script, folder, home, tmp_path):
    annotate("run", script, "--max-trials", 1, cwd=tmp_path)
    (stdout,) = home.glob("experiments/*/trials/0/stdout")
    assert f"in {tmp_path} with" in stdout.read_text()


def test_the_summary_shows_the_best_trial_and_the_baseline(annotate, folder):
    (folder / "train.py").write_text(
        "lr = 0.0  # @nni.uniform(0.0, 1.0)\nn = 1  # @nni.randint(0, 3)\n"
        "# @nni.report_final_result(lr)\n"
    )
    done = annotate("run", "train.py", "--max-trials", 4, "--seed", 5)
    assert re.search(r"Best: trial [123] with lr 0\.\d+, as written 0 \(\+0\.\d+\)", done.stdout)
    assert re.search(r"^  lr +0 +0\.\d+$", done.stdout, re.MULTILINE)
    assert "annotate trial ls " in done.stdout
    assert "annotate try train.py lr=0." in done.stdout
    assert "2 parameters, auto, maximize lr (default; --minimize overrides), seed 5" in done.stderr


def test_the_suggested_command_reruns_the_best_trial(annotate, script):
    results = document(annotate, "train.py", "--max-trials", 5, "--seed", 2, "--no-baseline")
    done = annotate("run", "train.py", "--max-trials", 5, "--seed", 2, "--no-baseline")
    (line,) = [x for x in done.stdout.splitlines() if x.startswith("  annotate try")]
    command = line.strip().replace("annotate ", "", 1)
    second = subprocess.run(
        f"{sys.executable} -m annotate {command}",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"final score: {results['best']['metric']}" in second.stderr


def test_trials_run_concurrently(annotate, folder):
    (folder / "train.py").write_text(
        "import os, time\n"
        "x = 0.5  # @nni.uniform(0, 1)\n"
        "open('met' + str(os.getpid()), 'w').close()\n"
        "until = time.monotonic() + 30\n"
        "while time.monotonic() < until and sum(n[:3] == 'met' for n in os.listdir()) < 2:\n"
        "    time.sleep(0.01)\n"
        "# @nni.report_final_result(sum(n[:3] == 'met' for n in os.listdir()))\n"
    )
    results = document(
        annotate, "train.py", "--max-trials", 2, "--concurrency", 2, "--tuner", "random"
    )
    assert [t["metric"] >= 2 for t in results["trials"]] == [True, True]


def test_an_experiment_ends_when_every_point_of_its_space_was_tried(annotate, folder):
    (folder / "train.py").write_text("n = 2  # @nni.randint(0, 4)\n# @nni.report_final_result(n)\n")
    results = document(annotate, "train.py", "--max-trials", 50)
    assert results["state"] == "DONE"
    assert sorted(t["metric"] for t in results["trials"]) == [0, 1, 2, 3]
    assert results["trials"][0]["metric"] == 2


def test_editing_the_script_while_trials_run_changes_nothing(annotate, folder):
    (folder / "helper.py").write_text("value = 1  # @nni.choice(1, 2)\n")
    (folder / "train.py").write_text(
        "from pathlib import Path\n"
        "Path('helper.py').write_text('broken(')\n"
        "Path('train.py').write_text('broken(')\n"
        "import helper\n"
        "# @nni.report_final_result(helper.value)\n"
    )
    results = document(annotate, "train.py", "--max-trials", 2)
    assert [t["state"] for t in results["trials"]] == ["SUCCEEDED"] * 2


def test_a_home_inside_the_code_folder_is_not_part_of_the_code(annotate, script, folder):
    for _ in range(2):
        done = annotate("run", "train.py", "--max-trials", 1, ANNOTATE_HOME=str(folder / "runs"))
        assert "has annotations" not in done.stderr
    assert len(list(folder.glob("runs/experiments/*/snapshot/code/train.py"))) == 2
    assert not list(folder.glob("runs/experiments/*/snapshot/code/runs"))


def test_an_annotated_file_that_is_not_imported_is_skipped_with_a_message(annotate, script, folder):
    (folder / "other.py").write_text("z = 1  # @nni.randint(0, 9)\n")
    done = annotate("run", "train.py", "--max-trials", 1)
    assert "other.py has annotations, but train.py does not import it" in done.stderr


def test_annotated_code_from_outside_the_snapshot_is_reported(annotate, folder, tmp_path):
    """An editable install of another folder, and an installed copy of an annotated module."""
    outside, site = tmp_path / "outside", tmp_path / "site-packages"
    for place in (outside / "far", site / "near", folder / "src" / "near"):
        place.mkdir(parents=True)
        (place / "__init__.py").write_text("x = 1  # @nni.randint(0, 9)\n")
    (folder / "train.py").write_text(
        "import far, near\ny = 1  # @nni.randint(0, 9)\n# @nni.report_final_result(y)\n"
    )
    path = os.pathsep.join([str(outside), str(site), os.environ.get("PYTHONPATH", "")])
    done = annotate("run", "train.py", "--max-trials", 2, "--tuner", "random", PYTHONPATH=path)
    (known,) = [line for line in done.stderr.splitlines() if "not in the code folder" in line]
    assert str(outside / "far" / "__init__.py") in known
    assert "ignored; --code-folder .. includes" in known
    (message,) = [line for line in done.stderr.splitlines() if "had no effect" in line]
    assert f"near was imported from {site}" in message
    assert str(folder / "src/near/__init__.py") in message
    assert "not frozen" not in done.stderr, "far is frozen, and near is installed"


def test_a_failed_trial_has_a_reason_and_the_others_continue(annotate, folder):
    (folder / "train.py").write_text(
        "x = 0  # @nni.randint(0, 6)\n"
        "if x % 2: raise ValueError(f'odd')\n"
        "# @nni.report_final_result(x)\n"
    )
    done = annotate("run", "train.py", "--max-trials", 6, "--json")
    results = json.loads(done.stdout)
    failed = [t for t in results["trials"] if t["state"] == "FAILED"]
    assert len(failed) == 3
    assert {t["reason"] for t in failed} == {"exit code 1: ValueError: odd"}
    assert {t["metric"] for t in failed} == {None}
    assert results["best"]["metric"] == 4
    assert done.stderr.count("Traceback (most recent call last)") == 1, "the same again is counted"
    assert f'File "{folder / "train.py"}", line 2' in done.stderr


@pytest.mark.parametrize(
    ("result", "word"),
    [("float('nan')", "nan"), ("float('inf')", "inf"), ("{'default': float('-inf')}", "-inf")],
)
def test_a_result_that_is_not_finite_never_wins(annotate, folder, result, word):
    (folder / "train.py").write_text(
        f"x = 0  # @nni.randint(0, 3)\n# @nni.report_final_result({result} if x else 1.5)\n"
    )
    results = document(annotate, "train.py", "--max-trials", 3)
    assert results["best"] == {"trial": 0, "metric": 1.5, "values": {"train/x/randint": 0}}
    assert [t["metric"] for t in results["trials"]] == [1.5, word, word]
    assert all("final result is" in t["reason"] for t in results["trials"][1:])


def test_a_trial_that_exceeds_its_timeout_is_stopped(annotate, folder):
    (folder / "train.py").write_text(
        "import time\nx = 0  # @nni.randint(0, 2)\ntime.sleep(60 * x)\n"
        "# @nni.report_final_result(x)\n"
    )
    results = document(annotate, "train.py", "--max-trials", 2, "--trial-timeout", "3s")
    assert [t["state"] for t in results["trials"]] == ["SUCCEEDED", "FAILED"]
    assert results["trials"][1]["reason"] == "ran longer than --trial-timeout 3s"


def test_a_stalled_trial_is_stopped(annotate, folder):
    (folder / "train.py").write_text(
        "import time\nx = 0  # @nni.randint(0, 2)\n"
        "for _ in range(4):\n    time.sleep(0.5 + 60 * x)\n"
        "    # @nni.report_intermediate_result(x)\n"
        "# @nni.report_final_result(x)\n"
    )
    results = document(annotate, "train.py", "--max-trials", 2, "--stall-timeout", "3")
    assert [t["state"] for t in results["trials"]] == ["SUCCEEDED", "FAILED"]
    assert results["trials"][1]["reason"] == "reported nothing for --stall-timeout 3s"


def test_max_duration_stops_the_experiment(annotate, folder):
    (folder / "train.py").write_text(
        "import time\nx = 0.0  # @nni.uniform(0, 1)\ntime.sleep(60 if x else 0)\n"
        "# @nni.report_final_result(x)\n"
    )
    results = document(annotate, "train.py", "--max-duration", "6s", "--tuner", "random")
    assert results["state"] == "DONE"
    assert [t["state"] for t in results["trials"]] == ["SUCCEEDED", "SYS_CANCELED"]


#: Four trials; the later ones are judged from their second result on.
MEDIANSTOP = ["--max-trials", "4", "--tuner", "random", "--seed", "1", "--assessor", "medianstop"]
MEDIANSTOP += ["--assessor-args", "start_step=2"]


def test_an_assessor_stops_unpromising_trials_early(annotate, folder):
    (folder / "train.py").write_text(
        "import time\nx = 3  # @nni.choice(3, 2, 1, 0)\n"
        "for step in range(1, 7):\n"
        "    # @nni.report_intermediate_result(x * step)\n"
        "    time.sleep(0.1 if x == 3 else 1)\n"
        "# @nni.report_final_result(x * step)\n"
    )
    results = document(annotate, "train.py", *MEDIANSTOP)
    first, *others = results["trials"]
    assert (first["state"], first["metric"]) == ("SUCCEEDED", 18)
    assert {t["state"] for t in others} == {"EARLY_STOPPED"}
    assert all(len(t["intermediate"]) < 6 for t in others)
    assert all("stopped by the assessor" in t["reason"] for t in others)
    assert results["best"]["trial"] == 0


def test_what_a_trial_reports_after_the_verdict_does_not_count(annotate, folder):
    (folder / "train.py").write_text(
        "import signal, time\nx = 3  # @nni.choice(3, 2, 1, 0)\n"
        "def late(*_):\n"
        "    # @nni.report_intermediate_result(99)\n"
        "    # @nni.report_final_result(99)\n"
        "    raise SystemExit\n"
        "signal.signal(signal.SIGTERM, late)\n"
        "for step in range(1, 7):\n"
        "    # @nni.report_intermediate_result(x * step)\n"
        "    pass\n"
        "time.sleep(0 if x == 3 else 60)\n"
        "# @nni.report_final_result(x)\n"
    )
    results = document(annotate, "train.py", *MEDIANSTOP)
    stopped = [t for t in results["trials"] if t["state"] == "EARLY_STOPPED"]
    assert stopped
    for trial in stopped:
        x = trial["values"]["train/x/choice"]
        assert (trial["intermediate"], trial["metric"]) == ([x, 2 * x], None)


SLOW = """\
import time
x = 0.5  # @nni.uniform(0, 1)
for step in range(600 if x != 0.5 else 1):
    time.sleep(0.1)
    # @nni.report_intermediate_result(step)
# @nni.report_final_result(x)
"""


def wait_for(condition, within=60.0):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def start(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "annotate", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def metrics_of(home, number):
    return [p for p in home.glob(f"experiments/*/trials/{number}/metrics.jsonl") if p.read_text()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_experiment_keeps_its_results_and_resumes(annotate, folder, home, number):
    (folder / "train.py").write_text(SLOW)
    words = ("--max-trials", 2, "--tuner", "random", "--seed", 1)
    driver = start("run", "train.py", *words)
    wait_for(lambda: metrics_of(home, 1))
    trials = psutil.Process(driver.pid).children(recursive=True)
    driver.send_signal(number)
    _, stderr = driver.communicate(timeout=60)
    assert driver.returncode == 130
    (folder_of,) = (home / "experiments").glob("[!.]*")
    assert f"annotate resume {folder_of.name}" in stderr
    psutil.wait_procs(trials, timeout=60)
    assert not [p for p in trials if p.is_running()]

    listed = json.loads(annotate("trial", "ls", "--json").stdout)
    assert [t["state"] for t in listed] == ["SUCCEEDED", "INTERRUPTED"]

    (folder / "train.py").write_text("broken(")  # the resumed experiment uses the snapshot
    code = (folder_of / "snapshot/code/train.py").read_text()
    (folder_of / "snapshot/code/train.py").write_text(code.replace("600", "2"))
    results = json.loads(annotate("resume", folder_of.name[:5], "--json").stdout)
    assert [t["state"] for t in results["trials"]] == ["SUCCEEDED", "SUCCEEDED"]
    assert results["trials"][0] == listed[0]
    assert results["trials"][1]["values"] == listed[1]["values"]
    assert results["trials"][1]["intermediate"] == [0, 1]
    done = annotate("resume", folder_of.name, code=2)
    assert "is done" in done.stderr


def test_an_experiment_with_a_killed_driver_is_shown_as_stopped_and_resumes(annotate, folder, home):
    (folder / "train.py").write_text(SLOW)
    driver = start("run", "train.py", "--max-trials", 3, "--seed", 4)
    wait_for(lambda: metrics_of(home, 1))
    trials = psutil.Process(driver.pid).children(recursive=True)
    driver.kill()
    driver.communicate()
    psutil.wait_procs(trials, timeout=60)
    assert not [p for p in trials if p.is_running()], "a trial outlived its experiment"
    (row,) = json.loads(annotate("experiment", "list", "--all", "--json").stdout)
    assert (row["state"], row["trials"]) == ("STOPPED", 2)
    (folder_of,) = (home / "experiments").glob("[!.]*")
    code = (folder_of / "snapshot/code/train.py").read_text()
    (folder_of / "snapshot/code/train.py").write_text(code.replace("600", "1"))
    results = json.loads(annotate("resume", "--json").stdout)
    values = [t["values"]["train/x/uniform"] for t in results["trials"]]
    (folder / "train.py").write_text(SLOW.replace("600", "1"))
    whole = document(annotate, "train.py", "--max-trials", 3, "--seed", 4)
    assert values == [t["values"]["train/x/uniform"] for t in whole["trials"]]


def test_two_drivers_never_run_one_experiment(annotate, folder, home):
    (folder / "train.py").write_text(SLOW)
    driver = start("run", "train.py", "--max-trials", 2, "--tuner", "random")
    wait_for(lambda: metrics_of(home, 1))
    refused = annotate("resume", code=2)
    assert f"already running in another process (pid {driver.pid})" in refused.stderr
    driver.send_signal(signal.SIGINT)
    driver.send_signal(signal.SIGINT)
    driver.communicate(timeout=60)


def test_the_interpreter_can_be_chosen(annotate, folder, home, python):
    (folder / "train.py").write_text(
        "import sys\nx = 0  # @nni.randint(0, 2)\nprint(sys.version_info[:2])\n"
        "# @nni.report_final_result(x)\n"
    )
    annotate("run", "train.py", "--max-trials", 1, "--tuner", "random", "--python", python)
    (stdout,) = home.glob("experiments/*/trials/0/stdout")
    version = subprocess.run(
        [python, "-c", "import sys; print(sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert stdout.read_text() == version.stdout


def test_the_driver_computes_in_one_thread_and_leaves_the_trials_theirs(
    annotate, folder, monkeypatch
):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    (folder / "train.py").write_text(
        "import os\n"
        "x = 1.0  # @nni.uniform(0, 1)\n"
        "# @nni.report_final_result(int('OPENBLAS_NUM_THREADS' in os.environ))\n"
    )
    done = annotate("run", "train.py", "--max-trials", "2", "--json")
    assert [trial["metric"] for trial in json.loads(done.stdout)["trials"]] == [0, 0]


def test_the_name_of_the_result_gives_the_direction_and_is_shown_everywhere(annotate, folder):
    path = folder / "train.py"
    path.write_text(
        "lr = 0.1  # @nni.loguniform(1e-4, 1)\nval_loss = (lr - 0.01) ** 2\n"
        "# @nni.report_final_result(val_loss)\n"
    )
    done = annotate("run", "train.py", "--max-trials", 3, "--tuner", "random")
    first = done.stderr.splitlines()[0]
    assert ", minimize val_loss (by its name; --maximize overrides), seed " in first
    assert re.search(r"Best: trial \d with val_loss \S+, as written 0.0081 ", done.stdout)
    assert "by default" not in done.stdout
    assert re.search(r"trial +id +state +val_loss +time", annotate("trial", "ls").stdout)
    assert re.search(r"^best: val_loss ", annotate("experiment", "status").stdout, re.MULTILINE)
    shown = json.loads(annotate("experiment", "show", "--json").stdout)
    assert (shown["metric_name"], shown["optimize"]) == ("val_loss", "minimize")
    assert shown["optimize_by"] == "by its name"
    rows = json.loads(annotate("experiment", "export", "-f", "-").stdout)
    assert {row["metric_name"] for row in rows} == {"val_loss"}
    assert "final val_loss: 0.0081" in annotate("try", "train.py").stderr
    results = json.loads(annotate("resume", "--max-trials", 4, "--json").stdout)
    assert results["best"]["metric"] == min(trial["metric"] for trial in results["trials"])


def test_an_unknown_metric_and_several_final_results_are_each_noted_once(annotate, folder):
    (folder / "train.py").write_text(
        "y = 1.0  # @nni.uniform(0, 2)\n# @nni.report_final_result(0)\n"
        "y = y * 1e300\n# @nni.report_final_result(y)\n"
    )
    done = annotate("run", "train.py", "--max-trials", 2)
    assert done.stdout.count("trial 0 and 1 more reported several final results") == 1
    assert re.search(r"^notes +trial 0 and 1 more", annotate("experiment", "show").stdout, re.M)
    assert re.search(r"^ +0 +1e\+300 +\S+ +as written y=1$", done.stderr, re.MULTILINE)
    assert ", maximize y (default; --minimize overrides), seed " in done.stderr
    assert done.stdout.count("because the name `y` implies no direction") == 1
