"""examples/digits: a real script on real data, tuned and alone."""

import io
import json
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(folder):
    path = folder / "train.py"
    path.write_bytes((ROOT / "examples" / "digits" / "train.py").read_bytes())
    return path


def without_annotations(source):
    """The script as it was before somebody annotated it."""
    lines = source.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and "@nni." in token.string:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    return "".join(lines)


def test_alone_it_behaves_as_before_the_annotations(script, folder):
    before = without_annotations(script.read_text())
    assert "@nni" not in before
    (folder / "before.py").write_text(before)
    outputs = []
    for name in ("train.py", "before.py"):
        code = (
            "import sys, runpy\n"
            "class Blocked:\n"
            "    def find_spec(self, name, *rest):\n"
            "        if name.partition('.')[0] in ('nni', 'annotate', 'runtime', 'tuners'):\n"
            "            raise ImportError(name + ' is not installed')\n"
            "sys.meta_path.insert(0, Blocked())\n"
            f"sys.argv = [{name!r}, '--epochs', '3']\n"
            f"runpy.run_path({name!r}, run_name='__main__')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        outputs.append((done.stdout, done.stderr))
    assert outputs[0] == outputs[1]
    assert outputs[0][0].count("epoch") == 3


def test_ten_trials_find_better_values_than_those_written(annotate, script, unchanged):
    unchanged()
    words = ("train.py", "--max-trials", 10, "--seed", 1, "--json", "--", "--epochs", 8)
    document = json.loads(annotate("run", *words, timeout=280).stdout)
    assert [t["state"] for t in document["trials"]] == ["SUCCEEDED"] * 10
    first = document["trials"][0]
    assert first["values"] == {
        "train/MinMaxScaler/function_choice": "MinMaxScaler()",
        "train/hidden_layer_sizes/choice": "(32,)",
        "train/activation/choice": "logistic",
        "train/learning_rate_init/loguniform": 0.001,
        "train/batch_size/randint": 200,
    }
    assert all(len(t["intermediate"]) == 8 for t in document["trials"])
    assert all(t["metric"] == t["intermediate"][-1] for t in document["trials"])
    assert document["best"]["metric"] > max(0.9, first["metric"])
    sizes = {t["values"]["train/hidden_layer_sizes/choice"] for t in document["trials"]}
    scalers = {t["values"]["train/MinMaxScaler/function_choice"] for t in document["trials"]}
    assert len(sizes) > 1
    assert len(scalers) > 1


def test_the_examples_have_no_mistake(annotate):
    for name in ("digits", "mnist"):
        annotate("check", ROOT / "examples" / name)
    space = json.loads(annotate("show", ROOT / "examples/digits/train.py", "--json").stdout)
    assert {v["_type"] for v in space.values()} == {"choice", "loguniform", "randint"}
    assert list(Path.cwd().iterdir()) == []
