"""`annotate try`, and the commands that list."""

import json
import shlex

import pytest

SCRIPT = """\
import sys
lr = 0.1  # @nni.loguniform(1e-4, 1.0)
n = 3  # @nni.randint(0, 9)
opt = "sgd"  # @nni.choice("sgd", "adam", None, 1, 1.5, True)
drop = 0  # @nni.choice(0, nni.uniform(0.1, 1))
# @nni.function_choice(max(n, 1), min(n, 1), name=max)
m = max(n, 1)
print("out", lr, n, repr(opt), drop, m, sys.argv[1:])
# @nni.report_intermediate_result(m)
# @nni.report_final_result(lr)
"""


@pytest.fixture
def script(folder):
    (folder / "train.py").write_text(SCRIPT)


def test_without_values_the_script_runs_as_written(annotate, script, home, unchanged):
    unchanged()
    done = annotate("try", "train.py")
    assert done.stdout == "out 0.1 3 'sgd' 0 3 []\n"
    assert "as written: lr=0.1 n=3 opt=sgd drop=0 m=max(n, 1)" in done.stderr
    assert "1 intermediate results: 3\nfinal lr: 0.1\n" in done.stderr
    assert not home.exists(), "a trial of one's own is no experiment"


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["lr=0.5", "n=7"], "0.5 7 'sgd' 0 7"),
        (["lr=1e-3"], "0.001 3 'sgd' 0 3"),
        (["lr=1"], "1.0 3 'sgd' 0 3"),
        (["train/lr/loguniform=0.5"], "0.5 3 'sgd' 0 3"),
        (["train/lr=0.5"], "0.5 3 'sgd' 0 3"),
        (["opt=adam"], "0.1 3 'adam' 0 3"),
        (["opt=None"], "0.1 3 None 0 3"),
        (["opt=1"], "0.1 3 1 0 3"),
        (["opt=1.5"], "0.1 3 1.5 0 3"),
        (["opt=True"], "0.1 3 True 0 3"),
        (["drop=0.25"], "0.1 3 'sgd' 0.25 3"),
        (["max=min(n, 1)"], "0.1 3 'sgd' 0 1"),
        (["m=min(n, 1)"], "0.1 3 'sgd' 0 1"),
    ],
)
def test_try_accepts_values_as_typed(annotate, script, words, out):
    assert annotate("try", "train.py", *words).stdout == f"out {out} []\n"


def test_arguments_after_two_dashes_go_to_the_script(annotate, script):
    done = annotate("try", "train.py", "n=1", "--", "--epochs", "3")
    assert done.stdout.endswith(" ['--epochs', '3']\n")


def test_every_wrong_value_is_named(annotate, script):
    done = annotate("try", "train.py", "lr=5", "n=x", "ltr=1", "opt=rms", code=2)
    assert "lr: 5 is not between 0.0001 and 1.0" in done.stderr
    assert "n: 'x' is not a number" in done.stderr
    assert "there is no parameter 'ltr' (did you mean 'lr'?)" in done.stderr
    assert "opt: 'rms' is not one of the options" in done.stderr


@pytest.mark.parametrize(("line", "code"), [("raise SystemExit(7)", 7), ("1 / 0", 1)])
def test_the_exit_code_of_try_is_the_scripts(annotate, folder, line, code):
    (folder / "train.py").write_text(f"x = 1  # @nni.randint(0, 9)\n{line}\n")
    assert "none reported" in annotate("try", "train.py", code=code).stderr


@pytest.fixture
def experiment(annotate, script):
    annotate("run", "train.py", "--max-trials", 3, "--tuner", "random", "--name", "[b]x")
    (row,) = json.loads(annotate("experiment", "list", "--all", "--json").stdout)
    return row


def test_experiments_are_listed(annotate, experiment):
    assert experiment["name"] == "[b]x"
    assert experiment["state"] == "DONE"
    assert experiment["trials"] == 3
    shown = annotate("experiment", "list", "--all").stdout
    assert experiment["id"] in shown
    assert "[b]x" in shown
    assert json.loads(annotate("experiment", "list", "--json").stdout) == []
    assert "No experiment is running" in annotate("experiment", "list").stdout


def test_trials_are_listed_by_id_prefix_or_default(annotate, experiment):
    lists = [
        json.loads(annotate("trial", "ls", *words, "--json").stdout)
        for words in ([experiment["id"]], [experiment["id"][:4]], [])
    ]
    assert lists[0] == lists[1] == lists[2]
    assert [t["number"] for t in lists[0]] == [0, 1, 2]
    keys = {"number", "id", "state", "values", "metric", "intermediate", "seconds", "reason"}
    keys |= {
        "gpu",
        "machine",
        "retries",
        "origin",
        "reports",
        "last",
        "created",
        "started",
        "ended",
    }
    assert set(lists[0][0]) == keys
    table = annotate("trial", "ls").stdout
    assert all(t["id"] in table for t in lists[0])


def test_every_command_has_help(annotate):
    overview = annotate("--help").stdout
    from runtime.cli import COMMANDS

    for name, _, what in COMMANDS:
        assert name in overview
        assert what in overview
        assert annotate(*name.split(), "--help").stdout.startswith(f"usage: annotate {name} ")
    assert annotate("--version").stdout.startswith("annotate ")


BY_ITSELF = """\
import nni
print(nni.get_next_parameter())
nni.report_final_result(1)
"""


def test_a_script_that_calls_get_next_parameter_gets_the_typed_values(annotate, folder):
    (folder / "train.py").write_text(BY_ITSELF)
    done = annotate("try", "train.py", "lr=0.1", "opt=adam", 'n={"_name": "a", "k": [1]}', 's="1"')
    given = {"lr": 0.1, "opt": "adam", "n": {"_name": "a", "k": [1]}, "s": "1"}
    assert done.stdout == f"{given}\n"


def test_the_command_to_rerun_the_best_trial_has_the_same_values(annotate, folder):
    (folder / "train.py").write_text(BY_ITSELF)
    space = {
        "a": {"_type": "choice", "_value": ["1"]},
        "b": {
            "_type": "choice",
            "_value": [{"_name": "x", "c": {"_type": "choice", "_value": [2]}}],
        },
        "c": {"_type": "choice", "_value": ["it's"]},
    }
    (folder / "space.json").write_text(json.dumps(space))
    done = annotate("run", "train.py", "--search-space", "space.json", "--no-baseline")
    assert "annotate apply" not in done.stdout, "there is nothing to write back to"
    (line,) = [line for line in done.stdout.splitlines() if "annotate try" in line]
    second = annotate(*shlex.split(line)[1:])
    assert second.stdout == "{'a': '1', 'b': {'_name': 'x', 'c': 2}, 'c': \"it's\"}\n"
