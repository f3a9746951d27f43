"""Only parameters without any effect are named at the end."""

import itertools
import json
from dataclasses import replace

import pytest

from annotate.space import SearchSpace
from runtime.core.metrics import Batch
from runtime.core.trial import Origin, Trial, TrialState
from runtime.kept.effects import Effects

SPACE = SearchSpace.from_json(
    {f"train/{name}/uniform": {"_type": "uniform", "_value": [0, 9]} for name in ("a", "b")}
)
A, B = (parameter.key for parameter in SPACE)


def trials(rows):
    return [
        Trial(n, f"t{n}", Origin.TUNER, TrialState.SUCCEEDED, {A: a, B: b}, metric=metric)
        for n, (a, b, metric) in enumerate(rows)
    ]


def remarks(rows, ended=(), *, used=(A, B), by_script=True):
    """The remarks after trials with these (a, b, result); `ended`: the final values of b."""
    effects = Effects(SPACE, [], {})
    every = trials(rows)
    for trial, values in itertools.zip_longest(every, ended):
        batch = Batch(used=set(used), ended={} if values is None else {B: values})
        effects.observed(trial, batch.observed)
        effects.ended(trial)
    return effects.remarks(SPACE, every, by_script=by_script)


ROWS = [(1, 1, 1), (2, 2, 4), (3, 3, 9), (4, 4, 2), (5, 5, 3)]


def test_a_parameter_that_is_used_and_unchanged_is_not_named():
    assert remarks(ROWS) == []
    assert remarks(ROWS, [[b] for _, b, _ in ROWS]) == []


def test_a_name_that_always_ends_with_one_value_is_replaced():
    (remark,) = remarks(ROWS, [[8]] * 5)
    assert remark.startswith("b had no effect: results do not depend on it")
    assert "every trial ended with 8" in remark
    assert remarks(ROWS, [[2]] * 5), "it is also that value if it is given"


@pytest.mark.parametrize(
    "ended",
    [
        pytest.param([[8]] * 2, id="too few trials"),
        pytest.param([[8], [8], [7], [8], [8]], id="another value at the end"),
        pytest.param([[8], [2], [8], [4], [8]], id="a value that was kept"),
        pytest.param([[8], [8, 7], [8], [8], [8]], id="two names"),
        pytest.param([[8], [], [8], [8], [8]], id="no name"),
    ],
)
def test_a_name_that_may_have_been_used_before_is_not_named(ended):
    assert remarks(ROWS, ended) == []


def test_a_parameter_that_no_trial_uses_is_named():
    (remark,) = remarks(ROWS, used=[A])
    assert remark == "b had no effect: none of 5 trials reached the code that uses it"
    assert remarks(ROWS[:2], used=[A]) == []
    assert len(remarks(ROWS, used=[])) == 2
    assert remarks(ROWS, used=[], by_script=False) == [], "a program may read the values itself"


def test_results_that_are_the_same_whenever_only_one_parameter_differs():
    grid = [(a, b, a * a) for a in (1, 2) for b in (1, 2, 3)]
    (remark,) = remarks(grid)
    assert remark.startswith("b had no effect: results do not depend on it")
    assert remarks([*grid, (1, 4, 1.5)]) == [], "one different result is enough"
    assert remarks(grid[:2] + grid[3:5]) == [], "too few pairs"


def test_equal_results_of_all_trials_are_reported_once():
    assert remarks([(a, a, 0.5) for a in range(6)]) == [
        "no parameter had an effect: all 6 results are 0.5"
    ]
    assert remarks([(1, 1, 0.5)] * 9) == [], "the values are the same, too"


def test_what_an_earlier_driver_saw_in_the_baseline_counts():
    baseline = Trial(0, "t0", Origin.BASELINE, TrialState.SUCCEEDED, {A: 1}, metric=1)
    later = [replace(trial, number=trial.number + 1) for trial in trials(ROWS)]
    effects = Effects(SPACE, [baseline, *later], {3: {A: [3]}})
    (remark,) = effects.remarks(SPACE, [], by_script=True)
    assert remark.startswith("b had no effect: none of 6 trials reached")


SCRIPT = """\
import argparse, json
batch = 32  # @nni.choice(16, 32, 64)
lr = 0.1    # @nni.loguniform(1e-3, 1)
p = argparse.ArgumentParser()
p.add_argument("--depth", type=int, default=3)  # @nni.randint(1, 9)
p.add_argument("--width", type=int, default=3)  # @nni.randint(1, 9)
a = p.parse_args()
globals().update(json.loads('{"batch": 8}'))
vars(a)["depth"] = 2
if a.width > 100:
    momentum = 0.9  # @nni.uniform(0, 1)
lr *= 0.5
steps = 4  # @nni.randint(2, 9)
while steps:
    steps -= 1
def train(usual=5):
    rate = 0.5  # @nni.uniform(0, 1)
    if usual:
        rate = usual
    decay = 0.5  # @nni.uniform(0, 1)
    decay = 0.25
    result = batch * lr * a.depth + a.width + rate + decay
    # @nni.report_final_result(result)
train()
"""


def test_a_run_names_what_the_script_replaces_or_never_reaches(annotate, folder):
    (folder / "train.py").write_text(SCRIPT)
    done = annotate("run", "train.py", "--max-trials", 8, "--tuner", "random", "--seed", 3)
    notes = [line for line in done.stdout.splitlines() if line.startswith("Note: ")]
    replaced = "results do not depend on it: the script replaces it, and every trial ended with"
    assert notes == [
        f"Note: batch had no effect: {replaced} 8.",
        f"Note: depth had no effect: {replaced} 2.",
        "Note: momentum had no effect: none of 8 trials reached the code that uses it.",
        f"Note: rate had no effect: {replaced} 5.",
    ]
    assert "train.py:21 overrides train.py:20: decay is not tuned\n" in done.stderr
    shown = annotate("experiment", "show").stdout
    assert [f"Note: {line}." for line in shown.split("notes")[1].split("\n") if line.strip()]
    kept = json.loads(annotate("experiment", "show", "--json").stdout)["notes"]
    assert [f"Note: {note}." for note in kept] == notes
    resumed = json.loads(annotate("resume", "--max-trials", 9, "--json").stdout)["notes"]
    assert resumed == [note.replace("none of 8", "none of 9") for note in kept]
