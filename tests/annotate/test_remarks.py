"""Annotations without effect are named, in one sentence for each reason."""

import json

import pytest

from annotate.errors import Mistakes
from annotate.project import read_project
from annotate.remarks import remarks
from annotate.snapshot import freeze, thaw

GOOD = "x = 1  # @nni.choice(1, 2)\n# @nni.report_final_result(x)\n"
WRONG = "y = 1  # @nni.randint(5, 1)\n"


def test_a_snapshot_lacks_data_files_that_the_script_does_not_reach(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(GOOD)
    (project / "broken.toml").write_text("lr = [  # @nni.uniform(0, 1)\n")
    (project / "plain.yaml").write_text("a: 1\n")
    freeze(read_project(project / "train.py", project), tmp_path / "snapshot")
    assert list(map(str, thaw(tmp_path / "snapshot").files)) == ["train.py"]


@pytest.fixture
def said(tmp_path):
    """What is said about a run of train.py beside these files."""

    def said(files):
        for name, text in {"train.py": GOOD, **files}.items():
            (tmp_path / name).write_text(text)
        return remarks(read_project(tmp_path / "train.py", tmp_path), "train.py")

    return said


def test_equal_bounds_are_a_constant(said):
    constant = "a = 0.1  # @nni.uniform(0.1, 0.1)\nb = 5  # @nni.quniform(5, 5, 2)\n"
    assert said({"train.py": constant + GOOD}) == [
        "a is a constant: uniform(0.1, 0.1) has one value, 0.1",
        "b is a constant: quniform(5, 5, 2) has one value, 5",
    ]


def test_a_mistake_in_a_file_that_the_script_does_not_reach_is_a_warning(said, tmp_path):
    (line,) = said({"old.py": WRONG})
    assert line.startswith("old.py:1:23: A303 randint(5, 1)")
    assert line.endswith(": ignored, because train.py does not import it")
    assert said({"c.yaml": "a: 1  # @nni.choice(1, f(2))\n", "b.py": WRONG}) == [
        "3 mistakes in b.py, c.yaml and old.py are ignored, because train.py does not reach them;"
        " annotate check lists them"
    ]
    (tmp_path / "train.py").write_text("import old\nname = 'c.yaml'\n" + GOOD)
    with pytest.raises(Mistakes) as error:
        read_project(tmp_path / "train.py", tmp_path)
    assert {mistake.path for mistake in error.value.mistakes} == {"old.py", "c.yaml"}


def test_many_files_that_are_left_out_share_a_line(said):
    files = {f"m{n:02}.py": GOOD for n in range(30)}
    assert said(files) == [
        "m00.py, m01.py and 28 others have annotations, but train.py does not import them: ignored"
    ]
    (_, line) = said({f"c{n}.yaml": "a: 1  # @nni.choice(1, 2)\n" for n in range(2)})
    assert line == "c0.yaml and c1.yaml have annotations, but train.py does not name them: ignored"


def test_annotated_files_of_kinds_that_are_not_read_are_named(annotate, folder):
    for name, text in {
        "a.ini": "lr = 1 ; @nni.choice(1, 2)\n",
        ".env": "LR=1  # @nni.choice(1, 2)\n",
        "go.sh": "# see @nni.choice, and #@nni\n",
        "README.md": "    lr = 1  # @nni.choice(1, 2)\n",
        "train.py": GOOD,
        "old.py": WRONG,
    }.items():
        (folder / name).write_text(text)
    named = ".env and a.ini have annotations, but Annotate reads only Python"
    checked = annotate("check", ".", code=2)
    assert named in checked.stderr
    assert "old.py:1:23: A303" in checked.stdout
    run = annotate("run", "train.py", "--max-trials", 1)
    assert named in run.stderr
    assert "go.sh" not in checked.stderr + run.stderr
    document = json.loads(annotate("check", "a.ini", "--format", "json").stdout)
    assert document == {
        "files": 0, "annotated": 0, "parameters": 0, "unread": ["a.ini"], "mistakes": [],
    }  # fmt: skip
