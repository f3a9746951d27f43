"""What is run and frozen: a module, and a code folder of the user's choice."""

import json

import pytest

MODULE = """\
from .sizes import width
lr = 0.5  # @nni.uniform(0, 1)
# @nni.report_final_result(width * lr)
"""


@pytest.fixture
def package(folder):
    for name, text in {
        "pkg/__init__.py": "scale = 2  # @nni.choice(1, 2)\n",
        "pkg/train.py": MODULE,
        "pkg/sizes.py": "width = 8  # @nni.randint(4, 64)\n",
        "other.py": "unrelated = 1  # @nni.choice(1, 2)\n",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def keys(done):
    return {key for trial in json.loads(done.stdout)["trials"] for key in trial["values"]}


REACHED = {"pkg/scale/choice", "pkg.train/lr/uniform", "pkg.sizes/width/randint"}


def test_a_module_is_tuned_with_what_it_reaches(annotate, package):
    done = annotate("run", "-m", "pkg.train", "--max-trials", 2, "--json")
    assert keys(done) == REACHED
    assert "other.py has annotations, but -m pkg.train does not import it" in done.stderr
    tried = annotate("try", "-m", "pkg.train", "width=10", "lr=0.25", "scale=1")
    assert "2.5" in tried.stderr
    shown = annotate("show", "-m", "pkg.train", "--json")
    assert json.loads(shown.stdout).keys() == REACHED


def test_a_config_files_command_runs_a_module_too(annotate, package):
    (package / "config.yml").write_text(
        "useAnnotation: true\ntrialCommand: python3 -m pkg.train\ntrialConcurrency: 1\n"
        "maxTrialNumber: 1\ntuner: {name: Random}\ntrainingService: {platform: local}\n"
    )
    errors = annotate("run", "-c", "config.yml", "--code-folder", ".", code=2).stderr
    assert "hint: write trialCodeDirectory in it" in errors
    assert keys(annotate("run", "-c", "config.yml", "--json")) == REACHED


def test_a_script_with_relative_imports_is_refused_with_the_command_that_works(annotate, package):
    errors = annotate("run", "pkg/train.py", code=2).stderr
    assert "pkg/train.py uses relative imports" in errors
    assert "hint: annotate run -m pkg.train\n" in errors
    errors = annotate("run", "train.py", cwd=package / "pkg", code=2).stderr
    assert "cd " in errors
    assert "&& annotate run -m pkg.train\n" in errors
    (package / "pkg" / "train.py").write_text("try:\n    from . import x\nexcept ImportError: 0\n")
    done = annotate("run", "pkg/train.py", code=None)
    assert "uses relative imports" not in done.stderr


@pytest.mark.parametrize(
    ("name", "hint"),
    [("pgk.train", "did you mean pkg?"), ("pkg/train.py", "or write pkg.train")],
)
def test_a_module_that_does_not_exist_is_named(annotate, package, name, hint):
    errors = annotate("run", "-m", name, code=2).stderr
    assert f"there is no module {name}" in errors
    assert hint in errors


def test_the_code_folder_may_be_wider_than_the_scripts(annotate, package, home):
    (package / "tools").mkdir()
    (package / "tools" / "train.py").write_text(
        "import os, sys\nsys.path.insert(0, os.path.abspath('.'))\nfrom pkg.train import lr\n"
        "# @nni.report_final_result(lr)\n"
    )
    words = ("tools/train.py", "--code-folder", ".", "--max-trials", 2)
    done = annotate("run", *words, "--json")
    assert keys(done) == REACHED
    (text,) = [p.read_text() for p in home.glob("experiments/*/snapshot/code/pkg/train.py")]
    assert "@nni" in text
    assert 'import__("nni")' in text
    errors = annotate("run", "pkg/sizes.py", "--code-folder", "tools", code=2).stderr
    assert "is not in the code folder" in errors
