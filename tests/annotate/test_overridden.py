"""Annotated values that the command line or the script itself is certain to replace."""

import json

import pytest

from annotate.project import read_project
from annotate.remarks import remarks

ARGPARSE = """\
import argparse
p = argparse.ArgumentParser()
p.add_argument("--verbose", "-v", action="store_true")
p.add_argument("-l", "--lr", type=float, default=0.1)  # @nni.uniform(0, 1)
p.add_argument("--momentum", default=0.9)  # @nni.uniform(0, 1)
p.add_argument("--model", default="a")
p.add_argument("--on", action=argparse.BooleanOptionalAction, default=True)  # @nni.choice(True, 0)
p.add_argument("rest", nargs="*")
"""
PARSED = ARGPARSE + "a = p.parse_args()\n"
CLICK = """\
import click
@click.command()
@click.option("--lr", "-l", default=0.1)  # @nni.uniform(0, 1)
@click.option("--shout/--no-shout", default=True)  # @nni.choice(True, False)
def main(lr, shout): ...
main()
"""
TYPER = """\
import typer
from typing import Annotated
app = typer.Typer()
@app.command()
def main(
    lr: Annotated[float, typer.Option("--rate", "-r")] = 0.1,  # @nni.uniform(0, 1)
    decay: float = typer.Option(0.1, "--wd", envvar="WD_OF_TEST"),  # @nni.uniform(0, 1)
    batch_size: int = 32,  # @nni.choice(16, 32)
): ...
app()
"""
FIRE = """\
import fire
def train(data, lr=0.1, *, batch=32, beta=0.5):  # @nni.variable(nni.uniform(0, 1), name=lr)
    pass
fire.Fire(train)
"""
ALIAS = """\
import argparse
p = argparse.ArgumentParser()
group = p.add_argument_group()
add = group.add_argument
add("--lr", type=float, default=0.1)  # @nni.uniform(0, 1)
p.parse_args()
"""
HYDRA = "import hydra\nx = 'conf'\n"
BY_NAME = "import {}\ndef main(lr: float = 0.1):  # @nni.uniform(0, 1)\n    pass\n"


def overridden(folder, files, words):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    project = read_project(folder / "train.py", folder, words.split())
    names = {other.place.target for other in project.overridden}
    assert names.isdisjoint(p.name for p in project.space)
    assert names.isdisjoint(place.target for place in project.places)
    return names, project


@pytest.mark.parametrize(
    ("source", "words", "names"),
    [
        pytest.param(PARSED, "", "", id="nothing given"),
        pytest.param(PARSED, "--lr 0.5", "lr", id="a long option"),
        pytest.param(PARSED, "--lr=0.5", "lr", id="with ="),
        pytest.param(PARSED, "-l0.5", "lr", id="a short option with its value"),
        pytest.param(PARSED, "-vl 0.5", "lr", id="joined short options"),
        pytest.param(PARSED, "--mom 0.5", "momentum", id="an unambiguous prefix"),
        pytest.param(PARSED, "--mo 0.5", "", id="an ambiguous prefix"),
        pytest.param(PARSED, "--no-on", "on", id="a switch turned off"),
        pytest.param(PARSED, "--model --lr", "", id="words that the script will refuse"),
        pytest.param(PARSED, "x -- --lr 0.5", "", id="behind --"),
        pytest.param(PARSED, "lr 0.5 lr=0.5", "", id="words that are no options"),
        pytest.param(
            PARSED.replace("Parser()", "Parser(allow_abbrev=False)"),
            "--mom 1",
            "",
            id="no prefixes",
        ),
        pytest.param(
            ARGPARSE + "p.parse_args(['--lr', '1'])\n", "", "lr", id="words in the script"
        ),
        pytest.param(ARGPARSE + "p.parse_args('-l 1 x'.split())\n", "", "lr", id="a split text"),
        pytest.param(ARGPARSE + "p.parse_args(['--lr', x()])\n", "", "lr", id="an unknown value"),
        pytest.param(
            ARGPARSE + "p.parse_args([])\n", "--lr 1", "", id="a parser without arguments"
        ),
        pytest.param(
            PARSED + "p.parse_args(['--lr', '1'])\n", "", "", id="two calls, one with the option"
        ),
        pytest.param(ARGPARSE + "p.set_defaults(lr=0.5, b=1)\n", "", "lr", id="set_defaults"),
        pytest.param(
            "import p\np.set_defaults(lr=0.5)\n" + ARGPARSE, "", "", id="set_defaults first"
        ),
        pytest.param(
            ARGPARSE + "if p.x:\n    p.set_defaults(lr=0.5)\n", "", "", id="set_defaults perhaps"
        ),
        pytest.param(CLICK, "--lr 0.5", "lr", id="click"),
        pytest.param(CLICK, "-l0.5 --no-shout", "lr shout", id="click's short option and switch"),
        pytest.param(CLICK, "--l 0.5", "", id="click has no prefixes"),
        pytest.param(BY_NAME.format("fire"), "--lr=1", "lr", id="fire"),
        pytest.param(TYPER, "-r 1 --batch-size 3", "lr batch_size", id="typer's own flags"),
        pytest.param(TYPER, "--lr 1 --decay 1", "", id="typer's flags that are renamed"),
        pytest.param(TYPER, "--wd=1", "decay", id="typer's option as a default"),
        pytest.param(
            TYPER + TYPER[TYPER.index("@app") :].replace("main(", "other(").replace("# @nni", "# "),
            "--rate 1",
            "",
            id="two commands with the flag",
        ),
        pytest.param(
            "def main(lr=Option(0.1, '-r')):  # @nni.uniform(0, 1)\n    pass\n",
            "-r 1",
            "",
            id="another library's Option",
        ),
        pytest.param(FIRE, "data.csv 0.5", "lr", id="fire's positional"),
        pytest.param(FIRE, "0.5 --data=x", "lr", id="fire's positional beside a flag"),
        pytest.param(FIRE, "data.csv -l 0.5", "lr", id="fire's letter"),
        pytest.param(FIRE, "data.csv --batch 0.5", "", id="fire's flag with a value"),
        pytest.param(FIRE, "data.csv - 0.5", "", id="fire's separator"),
        pytest.param(FIRE.replace("Fire(train)", "Fire({})"), "x 1", "", id="fire without a name"),
        pytest.param(ALIAS, "--l 1", "lr", id="a name for add_argument"),
        pytest.param(BY_NAME.format("tyro"), "--optimizer.lr 1", "lr", id="tyro"),
        pytest.param(BY_NAME.format("os"), "--lr=1", "", id="no library that takes options"),
        pytest.param(
            "lr = 0.1  # @nni.uniform(0, 1)\nexec(open('configurator.py').read())\n",
            "--lr=1",
            "lr",
            id="a configurator",
        ),
    ],
)
def test_an_option_given_on_the_command_line_is_not_tuned(tmp_path, source, words, names):
    found, project = overridden(tmp_path, {"train.py": source}, words)
    assert found == set(names.split())
    assert len(remarks(project, "train.py")) == len(found)


@pytest.mark.parametrize(("source", "variable"), [(CLICK, "LR_OF_TEST"), (TYPER, "WD_OF_TEST")])
def test_an_option_that_the_environment_sets_is_not_tuned(tmp_path, monkeypatch, source, variable):
    source = source.replace("default=0.1)", "default=0.1, envvar=['X_OF_TEST', 'LR_OF_TEST'])")
    monkeypatch.setenv(variable, "")  # click ignores an empty one
    assert overridden(tmp_path, {"train.py": source}, "")[0] == set()
    monkeypatch.setenv(variable, "0.5")
    found, project = overridden(tmp_path, {"train.py": source}, "")
    assert found == {"lr" if source.startswith("import click") else "decay"}
    assert f"the environment's {variable} overrides train.py:" in remarks(project, "train.py")[0]


@pytest.mark.parametrize(
    ("file", "words", "names"),
    [
        ("conf/config.yaml", "lr=0.5", "lr"),
        ("conf/config.yaml", "++lr=0.5", "lr"),
        ("conf/config.yaml", "optimizer.lr=0.5 xlr=1 lr", ""),
        ("conf/optimizer/adam.yaml", "optimizer.lr=0.5", "lr"),
        ("conf/optimizer/adam.yaml", "lr=0.5", ""),
        ("conf/optimizer/adam.yaml", "optimizer={name:'a:b',x:[{lr:1}],lr:.5}", "lr"),
        ("conf/optimizer/adam.yaml", "optimizer={x:[{lr:1}],y:{lr:1},z:lr}", ""),
        ("conf/optimizer/adam.yaml", "optimizer={x:{y:1},lr:1}", "lr"),
    ],
)
def test_an_override_of_hydra_is_not_tuned(tmp_path, file, words, names):
    files = {"train.py": HYDRA, file: "lr: 0.1  # @nni.uniform(0, 1)\n"}
    assert overridden(tmp_path, files, words)[0] == set(names.split())
    assert overridden(tmp_path, files | {"train.py": "x = 'conf'\n"}, words)[0] == set()


def test_options_of_another_file_are_parsed_where_they_are_used(tmp_path):
    files = {
        "train.py": "import options\nargs = options.make().parse_args(['--lr', '1'])\n",
        "options.py": ARGPARSE,
    }
    found, project = overridden(tmp_path, files, "")
    assert found == {"lr"}
    assert remarks(project, "train.py") == [
        "--lr in train.py:2 overrides options.py:4: lr is not tuned"
    ]


def test_a_key_with_another_place_is_still_tuned(tmp_path):
    text = PARSED + "lr = 0.2  # @nni.uniform(0, 1)\n"
    assert overridden(tmp_path, {"train.py": text}, "--lr 1")[0] == set()


def test_a_value_of_the_command_line_is_never_recorded_or_written(annotate, folder):
    text = PARSED + "# @nni.report_final_result(float(a.lr) + float(a.momentum))\n"
    (folder / "train.py").write_text(text)
    done = annotate("run", "train.py", "--max-trials", 3, "--json", "--", "--lr", "0.7")
    assert "--lr on the command line overrides train.py:4: lr is not tuned\n" in done.stderr
    trials = json.loads(done.stdout)["trials"]
    assert {key for t in trials for key in t["values"]} == {
        "train/momentum/uniform",
        "train/on/choice",
    }
    (folder / "train.py").write_text(text.replace("default=0.1", "default=0.25"))
    diff = annotate("apply", "train.py", "--trial", 1).stdout
    assert '+p.add_argument("--momentum"' in diff
    assert "0.25" not in "".join(line for line in diff.splitlines() if line[:1] in "+-")
    errors = annotate(*("run", "train.py", "--", "--lr", 1, "--momentum", 1, "--on"), code=2).stderr
    assert "nothing is left to tune" in errors
