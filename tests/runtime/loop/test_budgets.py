"""Budgets and checkpoints, with real scripts in real processes."""

import itertools
import json
import shutil
import sys
from pathlib import Path

from annotate.project import read_as_it_is
from annotate.snapshot import freeze
from annotate.space import SearchSpace
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.loop import checkpoints
from runtime.loop.budgets import names_budget

EXAMPLE = Path(__file__).parents[3] / "examples" / "pbt" / "train.py"

IGNORES = """\
import time
x = 0.5  # @nni.uniform(0, 1)
for step in range(9):
    # @nni.report_intermediate_result(x * (step + 1))
    time.sleep(0.3 if step < 6 else 0)
# @nni.report_final_result(x * 9)
"""
KEEPS = """\
import nni
x = nni.get_next_parameter().get("train/x/uniform", 0.5)
budget = nni.get_current_parameter("TRIAL_BUDGET") or 9
y = 0.5  # @nni.uniform(0, 1)
for step in range(budget):
    # @nni.report_intermediate_result(y * (step + 1))
    pass
# @nni.report_final_result(y * budget)
"""
OFTEN = """\
import nni
params = {"x": 0.5}
params.update(nni.get_next_parameter())
nni.report_intermediate_result(0)  # before training
for batch in range(4 * params["TRIAL_BUDGET"]):
    nni.report_intermediate_result(params["x"] * batch)
nni.report_final_result(params["x"])
"""
ANNOTATED = """\
TRIAL_BUDGET = 9  # @nni.randint(1, 10)
x = 0.5  # @nni.uniform(0, 1)
# @nni.report_intermediate_result(0)
for batch in range(4 * TRIAL_BUDGET):
    y = x * batch
    # @nni.report_intermediate_result(y)
# @nni.report_final_result(x)
"""
SPACE = SearchSpace.from_json({"x": {"_type": "uniform", "_value": [0, 1]}})


def hyperband(annotate, folder, script, *words):
    (folder / "train.py").write_text(script)
    words = ["run", "train.py", "--tuner", "Hyperband", "--tuner-args", "R=9", *words, "--json"]
    return json.loads(annotate(*words, "--seed", 1, "--max-trials", 14).stdout)["trials"]


def test_a_script_that_ignores_its_budget_is_stopped_at_it(annotate, folder):
    trials = hyperband(annotate, folder, IGNORES)
    budgets = [t["values"].get("TRIAL_BUDGET") for t in trials]
    assert budgets == [None, *[1] * 9, *[3] * 3, 9]
    steps = [len(t["intermediate"]) for t in trials]
    assert steps[0] == steps[13] == 9
    assert all(n < 5 for n in steps[1:10])
    assert all(3 <= n < 7 for n in steps[10:13])
    assert {t["state"] for t in trials[1:13]} == {"EARLY_STOPPED"}
    first = sorted(t["values"]["train/x/uniform"] for t in trials[1:10])
    assert trials[13]["state"] == "SUCCEEDED"
    assert trials[13]["values"]["train/x/uniform"] in first[-3:]


def test_a_script_that_keeps_to_its_budget_is_never_stopped(annotate, folder):
    trials = hyperband(annotate, folder, KEEPS)
    assert {t["state"] for t in trials} == {"SUCCEEDED"}
    assert [len(t["intermediate"]) for t in trials[1:]] == [*[1] * 9, *[3] * 3, 9]
    ys = sorted(t["values"]["train/y/uniform"] for t in trials[1:10])
    assert sorted(t["values"]["train/y/uniform"] for t in trials[10:13]) == ys[-3:]
    assert trials[13]["values"]["train/y/uniform"] == ys[-1]


def test_a_script_that_reads_its_budget_may_report_as_often_as_it_likes(annotate, folder):
    (folder / "space.json").write_text('{"x": {"_type": "uniform", "_value": [0, 1]}}')
    trials = hyperband(annotate, folder, OFTEN, "--search-space", "space.json", "--no-baseline")
    assert {t["state"] for t in trials} == {"SUCCEEDED"}
    assert [t["reports"] for t in trials] == [*[5] * 9, *[13] * 3, 37, 13]


def test_an_annotated_value_called_like_the_budget_is_the_budget(annotate, folder):
    (folder / "train.py").write_text(ANNOTATED)
    words = ["run", "train.py", "--tuner", "Hyperband", "--tuner-args", "R=9", "--json"]
    trials = json.loads(annotate(*words, "--seed", 1, "--max-trials", 12).stdout)["trials"]
    assert {t["state"] for t in trials} == {"SUCCEEDED"}
    assert [t["reports"] for t in trials] == [37, *[5] * 9, *[13] * 2]


def test_a_copied_budget_counts_if_the_code_that_runs_names_it(folder, tmp_path):
    def named(script, command="", **files):
        for name, text in {"train": script, **files}.items():
            (folder / f"{name}.py").write_text(text)
        config = Config("train.py", str(folder), sys.executable, command=command)
        place = ExperimentFolder(tmp_path / str(next(numbers)))
        freeze(read_as_it_is(folder / "train.py", folder, SPACE), place.snapshot)
        return names_budget(config, place)

    numbers = itertools.count()
    asks = "import nni\nparams = {}\nparams.update(nni.get_next_parameter())\n"
    assert named(asks + "epochs = params['TRIAL_BUDGET']\n")
    assert named(asks + "args = parser()\nfor _ in range(args.TRIAL_BUDGET): pass\n")
    assert named(asks + "def main(lr, TRIAL_BUDGET=1): pass\nmain(**params)\n")
    assert not named(asks + '# TRIAL_BUDGET\n"""No TRIAL_BUDGET."""\nprint(params)\n')
    other = "print(params['TRIAL_BUDGET'])\n"
    assert not named(asks, other=other)
    assert named("import other\n" + asks, other=other)
    assert named("run('python other.py')\n" + asks, other=other)
    assert named(asks, "python other.py | tee log", other=other)
    assert not named(asks, "python train.py | tee log", other=other)
    assert named(asks, "make train", other=other), "any file may run"


def test_an_experiment_whose_trials_were_all_stopped_early_has_a_best_trial(annotate, folder):
    (folder / "train.py").write_text(IGNORES)
    words = ["--tuner", "Hyperband", "--tuner-args", "R=9", "--no-baseline", "--max-trials", 3]
    done = annotate("run", "train.py", *words, "--seed", 1)
    assert "No trial ran to its end. Best: trial " in done.stdout
    assert ", its last result before it was stopped early." in done.stdout
    best = json.loads(annotate("experiment", "show", "--json").stdout)["best"]
    results = json.loads(annotate("trial", "ls", "--json").stdout)
    assert best["metric"] == max(t["last"] for t in results)
    assert best["state"] == "EARLY_STOPPED"
    status = annotate("experiment", "status").stdout
    assert " DONE" in status
    assert f"(trial {best['trial']}, stopped early)" in status
    annotate("apply", "--write")
    assert f"x = {best['values']['train/x/uniform']} " in (folder / "train.py").read_text()


def test_the_commands_for_the_best_trial_leave_out_its_budget(annotate, folder):
    (folder / "train.py").write_text(KEEPS)
    words = ["--tuner", "Hyperband", "--tuner-args", "R=9", "--max-trials", 3, "--no-baseline"]
    output = annotate("run", "train.py", *words).stdout
    (line,) = [x for x in output.splitlines() if x.startswith("  annotate try")]
    ((_, y),) = [word.split("=") for word in line.split()[3:]]
    assert f"final y * budget: {9 * float(y)}" in annotate(*line.split()[1:]).stderr
    trials = json.loads(annotate("trial", "ls", "--json").stdout)
    assert all(t["values"]["TRIAL_BUDGET"] == 1 for t in trials)
    compared = json.loads(annotate("diff", 0, 1, "--json").stdout)["parameters"]
    assert [row["name"] for row in compared] == ["y"]
    annotate("apply", "--write")
    assert f"y = {y} " in (folder / "train.py").read_text()


def test_an_advisor_cannot_be_combined_with_an_assessor(annotate, folder):
    (folder / "train.py").write_text(IGNORES)
    done = annotate("run", "train.py", "--tuner", "bohb", "--assessor", "medianstop", code=2)
    assert "bohb already stops trials early" in done.stderr


def test_a_population_continues_from_checkpoints(annotate, folder, home):
    shutil.copy(EXAMPLE, folder / "train.py")
    words = ["run", "train.py", "--tuner", "PBTTuner", "--tuner-args", "population_size=4"]
    words += ["fraction=0.25", "--no-baseline", "--max-trials", 12, "--seed", 2, "--concurrency", 2]
    document = json.loads(annotate(*words, "--json").stdout)
    trials = document["trials"]
    assert {t["state"] for t in trials} == {"SUCCEEDED"}
    assert [t["intermediate"][-1]["epochs"] for t in trials] == [*[2] * 4, *[4] * 4, *[6] * 4]
    saved = {t["values"]["save_checkpoint_dir"]: t for t in trials}
    for trial in trials[4:]:
        before = saved[trial["values"]["load_checkpoint_dir"]]
        assert before["number"] < 4 * (trial["number"] // 4)
        assert trial["metric"] > before["metric"] - 0.15
    taken = [saved[t["values"]["load_checkpoint_dir"]]["number"] for t in trials[4:8]]
    worst, best = (f(trials[:4], key=lambda t: t["metric"])["number"] for f in (min, max))
    assert worst not in taken
    assert taken.count(best) == 2
    (place,) = (home / "experiments").glob("*/checkpoints")
    assert (place / "0" / "3" / "model.pickle").is_file()


def test_checkpoint_folders_are_created_with_absolute_paths(tmp_path):
    folder = ExperimentFolder(tmp_path / "exp")
    elsewhere = str(tmp_path / "else" / "1")
    given = {"x": 1, "load_checkpoint_dir": "3/0", "save_checkpoint_dir": elsewhere}
    ready = checkpoints.ready(folder, given)
    assert ready["load_checkpoint_dir"] == str(tmp_path / "exp" / "checkpoints" / "3" / "0")
    assert ready["save_checkpoint_dir"] == elsewhere
    assert all(Path(ready[key]).is_dir() for key in checkpoints.KEYS)
    assert checkpoints.ready(folder, {"x": 1}) == {"x": 1}
