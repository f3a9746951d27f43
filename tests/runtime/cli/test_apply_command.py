"""`apply`, `export` and `diff` from the command line, with real experiments."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "apply.md").read_text()
MODEL = "width = 1_000  # @nni.randint(1_000, 9_000)\n"
SCRIPT = """\
import model

lr = 1e-3  # @nni.loguniform(1e-5, 1)
opt = "adam"  # @nni.choice('adam', 'sgd')
# @nni.function_choice(abs(lr), max(lr, 2), name=abs)
y = abs(lr) + 1
print(repr((lr, opt, y, model.width)))
# @nni.report_final_result(y + model.width)
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A user's folder with a finished experiment, and the experiment's home."""
    folder = tmp_path_factory.mktemp("made") / "user's é"
    folder.mkdir()
    (folder / "train.py").write_text(SCRIPT)
    (folder / "model.py").write_text(MODEL)
    home = folder.parent / "home"
    words = ["run", "train.py", "--max-trials", "5", "--tuner", "random", "--seed", "1", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "annotate", *words],
        cwd=folder,
        env={**os.environ, "ANNOTATE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return folder, home, json.loads(done.stdout)


@pytest.fixture
def folder(finished, monkeypatch):
    """The folder as it was when the experiment started."""
    path, _, _ = finished
    shutil.rmtree(path)
    path.mkdir()
    (path / "train.py").write_text(SCRIPT)
    (path / "model.py").write_text(MODEL)
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def ended(finished, folder, monkeypatch):
    """The document that `run --json` printed for the experiment."""
    _, home, document = finished
    monkeypatch.setenv("ANNOTATE_HOME", str(home))
    return document


def printed(folder, script="train.py"):
    done = subprocess.run(
        [sys.executable, script], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def log_of(trial):
    home = Path(os.environ["ANNOTATE_HOME"])
    return next(home.glob(f"experiments/*/trials/{trial}/stdout")).read_text()


def test_apply_prints_a_patch_and_write_applies_the_best_trials_values(ended, annotate, folder):
    best = ended["best"]["trial"]
    before = (folder / "train.py").read_bytes(), (folder / "model.py").read_bytes()
    patch = annotate("apply", ended["experiment"], folder / "train.py")
    assert f"of trial {best} to write" in patch.stderr
    assert ((folder / "train.py").read_bytes(), (folder / "model.py").read_bytes()) == before
    annotate("apply", ended["experiment"][:4], "train.py", "--write")
    assert printed(folder) == log_of(best)
    space = annotate("show", "train.py", "--json").stdout
    wrote = (folder / "train.py").read_bytes(), (folder / "model.py").read_bytes()
    (folder / "train.py").write_bytes(before[0])
    (folder / "model.py").write_bytes(before[1])
    assert annotate("show", "train.py", "--json").stdout == space
    subprocess.run(["patch", "-p1"], input=patch.stdout, text=True, cwd=folder, check=True)
    assert ((folder / "train.py").read_bytes(), (folder / "model.py").read_bytes()) == wrote


def test_the_script_as_written_is_trial_0(ended, annotate, folder):
    annotate("apply", ended["experiment"], "--write", "--trial", 3)
    assert (folder / "train.py").read_text() != SCRIPT
    annotate("apply", "train.py", "--write", "--trial", 0)
    assert (folder / "train.py").read_text() == SCRIPT
    assert (folder / "model.py").read_text() == MODEL


def test_uncommitted_changes_are_overwritten_only_with_force(ended, annotate, folder):
    def git(*words):
        identity = ["-c", "user.name=n", "-c", "user.email=e"]
        subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)

    git("init")
    refused = annotate("apply", "train.py", "--write", "--trial", 3, code=2)
    assert "model.py, train.py have uncommitted changes" in refused.stderr
    git("add", ".")
    git("commit", "-m", "all")
    (folder / "train.py").write_text(f"# mine\n{SCRIPT}")
    assert (
        "train.py has uncommitted changes"
        in annotate("apply", "--write", "--trial", 3, code=2).stderr
    )
    assert (folder / "model.py").read_text() == MODEL, "one of two files was written"
    annotate("apply", "train.py", "--write", "--trial", 3, "--force")
    assert (folder / "train.py").read_text().startswith("# mine\n")
    assert (folder / "model.py").read_text() != MODEL


def test_misfits_are_named_and_the_exit_code_is_2_if_nothing_fits(ended, annotate, folder):
    (folder / "train.py").write_text("lr = 0.5\n# @nni.report_final_result(lr)\n")
    done = annotate("apply", "train.py", "--trial", 3)
    assert "train.py lr skipped: it is no longer annotated" in done.stderr
    (folder / "model.py").unlink()
    done = annotate("apply", "--trial", 3, code=2)
    nothing = "annotate: nothing to write: no value of trial 3 fits the source as it is now"
    assert nothing in done.stderr.splitlines()
    document = json.loads(annotate("apply", "--trial", 3, "--json", code=2).stdout)
    reasons = {m["name"]: m["reason"] for file in document["files"] for m in file["misfits"]}
    assert reasons["width"] == "the file no longer exists"


def test_apply_can_write_to_another_checkout(ended, annotate, tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "train.py").write_text(SCRIPT)
    (other / "model.py").write_text(MODEL)
    annotate("apply", ended["experiment"], other / "train.py", "--write", "--trial", 3)
    assert (other / "model.py").read_text() != MODEL
    misnamed = annotate("apply", ended["experiment"], "nothing.py", code=2)
    assert "is not a file of" in misnamed.stderr
    assert "has no trial 99" in annotate("apply", "--trial", 99, code=2).stderr


def test_an_export_runs_on_its_own_with_the_trials_values(ended, annotate, tmp_path, unchanged):
    unchanged()
    best = ended["best"]["trial"]
    assert "cannot print 2 files" in annotate("export", ended["experiment"], code=2).stderr
    annotate("export", ended["experiment"], "--output", tmp_path / "best")
    assert printed(tmp_path / "best") == log_of(best)
    assert "@nni" not in (tmp_path / "best" / "train.py").read_text()
    done = annotate("export", ended["experiment"], "--output", tmp_path / "best", code=2)
    assert "already exist; nothing was written" in done.stderr


def test_diff_shows_two_trials_side_by_side(ended, annotate):
    document = json.loads(annotate("diff", ended["experiment"], "0", "3", "--json").stdout)
    sides = {row["name"]: (row["a"], row["differs"]) for row in document["parameters"]}
    assert sides["lr"] == ("1e-3", True)
    assert document["results"] == [ended["trials"][0]["metric"], ended["trials"][3]["metric"]]
    text = annotate("diff", "0", "3").stdout
    assert "-lr = 1e-3  # @nni.loguniform(1e-5, 1)" in text
    assert "diff compares two trials" in annotate("diff", "1", "2", "3", code=2).stderr


def test_diff_reports_changes_of_the_source(ended, annotate, folder):
    code = SCRIPT.replace("+ 1", "+ 2").replace("1e-5", "1e-4")
    (folder / "train.py").write_text(code.replace("opt = ", "new = 1  # @nni.choice(1, 2)\nopt = "))
    document = json.loads(annotate("diff", ended["experiment"], "0", "--json").stdout)
    rows = {row["name"]: row for row in document["parameters"]}
    assert (
        rows["lr"]["remark"] == "its domain was loguniform(1e-05, 1), is now loguniform(0.0001, 1)"
    )
    assert rows["new"]["remark"] == "new"
    assert not rows["opt"]["differs"]
    (file,) = document["files"]
    assert (file["path"], file["code"], file["annotations"]) == ("train.py", True, True)
    (folder / "train.py").write_text(SCRIPT.replace("1e-3", "2e-3"))
    assert "train.py: values differ" in annotate("diff", "0").stdout


def test_apply_works_for_trials_that_run_a_command(annotate, folder):
    (folder / "config.yml").write_text(
        "trialConcurrency: 1\nmaxTrialNum: 2\nuseAnnotation: true\n"
        "trainingServicePlatform: local\ntuner: {builtinTunerName: Random}\n"
        f"trial: {{command: {sys.executable} train.py, codeDir: .}}\n"
    )
    annotate("run", "-c", "config.yml")
    assert "2 files" in annotate("export", code=2).stderr
    annotate("apply", "train.py", "--write", "--trial", 1)
    assert (folder / "model.py").read_text() != MODEL
    document = json.loads(annotate("diff", "1", "--json").stdout)
    assert document["files"] == []


def test_the_page_shows_what_the_commands_print(annotate, folder):
    blocks = dict(re.findall(r"<!-- (\w+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))
    (folder / "train.py").write_text(blocks["before"])
    command = re.search(r"annotate (run train.py .*)", PAGE)[1]
    annotate(*command.split())
    assert annotate("apply", "train.py").stdout == blocks["diff"]
    assert annotate("export").stdout == blocks["export"]
    shown = annotate("diff", "0", "7").stdout
    assert [line.rstrip() for line in shown.splitlines() if line.strip()] == [
        line.rstrip() for line in blocks["sides"].splitlines() if line.strip()
    ]
    annotate("apply", "train.py", "--write")
    assert (folder / "train.py").read_text() == blocks["after"]


def test_without_an_id_the_newest_experiment_of_that_very_file_is_taken(
    ended, annotate, folder, tmp_path
):
    home, own = Path(os.environ["ANNOTATE_HOME"]), ended["experiment"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "train.py").write_text(
        "lr = 1e-3  # @nni.uniform(0, 1)\n# @nni.report_final_result(lr)\n"
    )
    annotate("run", "train.py", "--max-trials", 1, cwd=other)
    broken = home / "experiments" / "Broken"
    (broken / "stage").mkdir(parents=True)
    (broken / "experiment.db").write_text("no store")
    (folder / "link.py").symlink_to("train.py")
    chosen = f"annotate: Using the newest experiment of {{}}, {own}."
    for words in (("apply", "train.py"), ("diff", "train.py"), ("apply", "model.py")):
        assert chosen.format(words[1]) in annotate(*words).stderr.splitlines()
    assert chosen.format("link.py") in annotate("apply", "link.py").stderr
    several = annotate("export", "train.py", code=2).stderr
    assert several.splitlines()[0] == chosen.format("train.py")
    assert f"Using the newest experiment of this folder, {own}." in annotate("diff", "0").stderr
    assert (
        chosen.format(folder / "train.py")
        in annotate("apply", folder / "train.py", cwd=other).stderr
    )
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    for command in ("apply", "export", "diff"):
        refused = annotate(command, "train.py", code=2, cwd=copy).stderr
        assert "no experiment ran train.py" in refused
        assert (
            "no experiment was started in this folder" in annotate(command, code=2, cwd=copy).stderr
        )
    assert "+lr = " in annotate("apply", own, "train.py", cwd=copy).stdout
    missing = annotate("apply", "missing.py", code=2).stderr
    assert "there is neither a file nor an experiment 'missing.py'" in missing
    shutil.rmtree(broken)
