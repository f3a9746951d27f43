"""Enqueued values and imported results."""

import json
import subprocess
import sys
import time

import pytest

from annotate.space import SearchSpace
from runtime.loop import known_results

SCRIPT = """\
x = 3  # @nni.randint(0, 12)
kind = "a"  # @nni.choice("a", "b, c", "d")
# @nni.report_final_result(-abs(x - 7) - (kind != "d"))
"""


@pytest.fixture
def script(folder):
    (folder / "train.py").write_text(SCRIPT)


def document(annotate, *words):
    done = annotate("run", "train.py", "--json", "--seed", 1, *words)
    return json.loads(done.stdout), done.stderr


def values(trial):
    return trial["values"]["train/x/randint"], trial["values"]["train/kind/choice"]


def test_enqueued_values_run_after_the_baseline_with_the_rest_as_written(annotate, script):
    words = ["--enqueue", "x=5,kind=b, c", "--enqueue", "train/x/randint=9", "--max-trials", 4]
    results, _ = document(annotate, *words)
    assert [values(t) for t in results["trials"][:3]] == [(3, "a"), (5, "b, c"), (9, "a")]
    assert len(results["trials"]) == 4
    bare, _ = document(annotate, "--enqueue", "x=5", "--max-trials", 1, "--no-baseline")
    assert [values(t) for t in bare["trials"]] == [(5, "a")]


def test_what_cannot_be_enqueued_is_refused_before_anything_starts(annotate, script, home):
    done = annotate("run", "train.py", "--enqueue", "x=99,kidn=a", code=2)
    assert "x: 99 is not in 0 <= v < 12" in done.stderr
    assert "did you mean 'kind'?" in done.stderr
    assert (
        "too low"
        in annotate("run", "train.py", "--enqueue", "x=1", "--max-trials", 1, code=2).stderr
    )
    assert not (home / "experiments").exists()


def test_a_warm_start_learns_results_that_fit_and_never_repeats_them(annotate, folder, script):
    first, _ = document(annotate, "--max-trials", 20, "--tuner", "random")
    wider = SCRIPT.replace("randint(0, 12)", "randint(0, 7)")
    (folder / "train.py").write_text(wider)
    words = ["--warm-start", first["experiment"][:5], "--no-baseline", "--max-trials", 8]
    results, errors = document(annotate, *words, "--tuner", "grid")
    seen = {values(t) for t in first["trials"]}
    inside = {v for v in seen if v[0] < 7}
    assert f"{len(inside)} results from experiment {first['experiment']}" in errors
    assert f"{len(seen) - len(inside)} skipped" in errors
    assert not {values(t) for t in results["trials"]} & inside


def test_a_config_file_can_be_combined_with_enqueue_and_warm_start(annotate, folder, script):
    first, _ = document(annotate, "--max-trials", 6, "--tuner", "random")
    (folder / "config.yml").write_text(
        "trialConcurrency: 1\nmaxTrialNum: 40\nuseAnnotation: true\n"
        "trainingServicePlatform: local\ntuner: {builtinTunerName: GridSearch}\n"
        f"trial: {{command: {sys.executable} train.py, codeDir: .}}\n"
    )
    seen = {values(t) for t in first["trials"]}
    x = next(x for x in range(12) if (x, "d") not in seen)
    words = ["--enqueue", f"x={x},kind=d", "--warm-start", first["experiment"]]
    done = annotate("run", "-c", "config.yml", *words, "--json")
    results = json.loads(done.stdout)["trials"]
    assert f"{len(seen)} results from experiment {first['experiment']}" in done.stderr
    assert values(results[0]) == (x, "d")
    grid = {(x, kind) for x in range(12) for kind in ("a", "b, c", "d")}
    assert sorted(values(t) for t in results) == sorted(grid - seen)


def test_imported_results_are_learned_at_every_resume(annotate, folder, script):
    (folder / "broken.py").write_text(
        "from tuners.grid import GridSearch\n"
        "class Own(GridSearch):\n"
        "    def tell(self, values, metric):\n"
        "        super().tell(values, metric)\n"
        "        if len(self.results) == STOP: 1 / 0\n"
        "STOP = 3\n"
    )
    words = ["run", "train.py", "--tuner", "broken.py:Own", "--max-trials", 20, "--no-baseline"]
    annotate(*words, code=2)
    rows = [
        {"parameter": {"x": 1, "kind": "d"}, "value": 0.5, "id": "abc"},
        {"parameter": {"train/x/randint": 2, "kind": "a"}, "value": "0.25"},
        {"values": {"x": 2, "kind": "d"}, "metric": {"default": 1, "other": 2}},
        {"parameter": {"x": 44, "kind": "d"}, "value": 0.5},
        {"parameter": {"kind": "d"}, "value": 0.5},
        {"parameter": {"x": 4, "kind": "d"}, "value": "much"},
        7,
    ]
    (folder / "results.json").write_text(json.dumps(rows))
    done = annotate("experiment", "import", "--filename", "results.json")
    assert "3 results from results.json" in done.stdout
    assert "4 skipped, the first: x: 44 is not in" in done.stdout
    text = (folder / "broken.py").read_text()
    (folder / "broken.py").write_text(text.replace("STOP = 3", "STOP = 10"))
    annotate("resume", code=2)
    (folder / "broken.py").write_text(text.replace("STOP = 3", "STOP = 99"))
    results = json.loads(annotate("resume", "--json").stdout)
    asked = [values(t) for t in results["trials"]]
    grid = [(x, kind) for x in range(12) for kind in ("a", "b, c", "d")]
    imported = {(1, "d"), (2, "a"), (2, "d")}
    assert asked == [point for point in grid if point not in imported][:20]


def test_a_running_experiment_learns_imported_results_at_once(annotate, folder, home):
    (folder / "train.py").write_text(
        "import pathlib, time\n"
        "x = 3  # @nni.randint(0, 4)\n"
        "for _ in range(600):\n"
        "    if pathlib.Path('go').exists():\n"
        "        break\n"
        "    time.sleep(0.1)\n"
        "# @nni.report_final_result(x)\n"
    )
    rows = [{"parameter": {"x": n}, "value": n} for n in (0, 2, 7)]
    (folder / "results.json").write_text(json.dumps(rows))
    words = [sys.executable, "-m", "annotate", "run", "train.py", "--tuner", "grid", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
        try:
            for _ in range(300):
                if [*home.glob("experiments/*/trials/0/parameters.json")]:
                    break
                time.sleep(0.1)
            output = annotate("experiment", "import", "-f", "results.json").stdout
        finally:
            (folder / "go").touch()
        results = json.loads(running.communicate(timeout=60)[0])
    assert "2 results from outside" in output
    assert "1 skipped, the first: x: 7 is not in" in output
    assert [t["values"]["train/x/randint"] for t in results["trials"]] == [3, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "results.json:1:2"),
        ("3", "contains no results"),
        ("", "results.json:1:1"),
    ],
)
def test_a_file_without_results_is_named(annotate, folder, script, text, message):
    document(annotate, "--max-trials", 1)
    (folder / "results.json").write_text(text)
    done = annotate("experiment", "import", "-f", "results.json", code=2)
    assert message in done.stderr


def test_unknown_keys_are_named_and_null_means_a_failure():
    space = SearchSpace.from_json({"x": {"_type": "uniform", "_value": [0, 1]}})
    rows = [
        {"parameter": {"x": 0.5, "TRIAL_BUDGET": 3}, "value": None},
        {"parameter": {"x": 1}, "value": float("nan")},
        {"parameter": {"x": 1, "depth": 2}, "value": 1e300},
        {"parameter": {"learning_rate": 1, "depth": 3}, "value": 1},
    ]
    split = known_results.split_by_space(space, rows, "a file")
    assert [(k.values, k.metric) for k in split.known] == [({"x": 0.5}, None), ({"x": 1.0}, 1e300)]
    assert split.misfits == ("its value is not a finite number", "'x' has no value")
    assert split.sentence("a file") == (
        "2 results from a file for the tuner to learn from; 2 skipped, the first: its value is not"
        " a finite number; ignored unknown parameters: depth, learning_rate"
    )
