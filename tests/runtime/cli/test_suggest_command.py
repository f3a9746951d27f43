"""`annotate suggest` from the command line: printing, writing, asking, and --json."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from annotate.errors import AnnotateError
from runtime.system.replace_file import replace_file

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "suggest.md").read_text()
CODE = "lr = 0.01\nseed = 1\nbatch_size = 32  # rows\ndropout = 0.5\n"
TAKEN = (
    "lr = 0.01  # @nni.loguniform(1e-4, 1.0)\nseed = 1\n"
    "batch_size = 32  # @nni.choice(16, 32, 64)  # rows\n"
    "dropout = 0.5  # @nni.uniform(0.0, 0.5)\n"
)


@pytest.fixture
def script(folder):
    path = folder / "train.py"
    path.write_text(CODE)
    return path


def block(kind):
    return re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[1]


def test_the_page_shows_what_the_command_prints(script, annotate, unchanged):
    script.write_text(block("python"))
    unchanged()
    done = annotate("suggest", "train.py")
    assert done.stdout == block("diff")
    assert done.stderr == block("text")


def test_a_proposal_shows_its_place_and_reason(script, annotate):
    first = annotate("suggest", "train.py").stdout.splitlines()[0]
    assert first == "train.py:1 lr: a learning rate, a factor of 100 either way"


@pytest.mark.parametrize("command", [["git", "apply"], ["patch", "-p1"]], ids=" ".join)
def test_the_output_is_a_patch(script, annotate, folder, command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]} here")
    patch = annotate("suggest", "train.py").stdout
    subprocess.run(command, input=patch, text=True, cwd=folder, check=True, capture_output=True)
    assert script.read_text() == TAKEN


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(CODE.encode(), TAKEN.encode(), id="plain"),
        pytest.param(
            CODE.replace("\n", "\r\n").encode(), TAKEN.replace("\n", "\r\n").encode(), id="CRLF"
        ),
        pytest.param(CODE.encode("utf-8-sig"), TAKEN.encode("utf-8-sig"), id="BOM"),
        pytest.param(CODE[:-1].encode(), TAKEN[:-1].encode(), id="no newline at the end"),
        pytest.param(
            b"# coding: latin-1\n# \xe9\n" + CODE.encode(),
            b"# coding: latin-1\n# \xe9\n" + TAKEN.encode(),
            id="latin-1",
        ),
    ],
)
def test_write_adds_comments_and_preserves_every_other_byte_and_the_mode(
    script, annotate, folder, before, after
):
    script.write_bytes(before)
    script.chmod(0o750)
    assert "3 annotations written" in annotate("suggest", "train.py", "--write").stderr
    assert script.read_bytes() == after
    assert script.stat().st_mode & 0o777 == 0o750
    assert [path.name for path in folder.iterdir()] == ["train.py"]
    annotate("check", "train.py")


def test_write_follows_a_symbolic_link_and_keeps_it(script, annotate, folder):
    (folder / "link.py").symlink_to("train.py")
    annotate("suggest", "link.py", "--write")
    assert (folder / "link.py").is_symlink()
    assert script.read_text() == TAKEN


def test_a_file_that_changed_in_the_meantime_is_not_written(folder):
    path = folder / "train.py"
    path.write_bytes(b"theirs")
    with pytest.raises(AnnotateError, match="has changed in the meantime"):
        replace_file(path, b"as read", b"ours")
    assert path.read_bytes() == b"theirs"
    assert [found.name for found in folder.iterdir()] == ["train.py"]


def test_json_prints_one_document_with_proposals_and_skipped_values(script, annotate, unchanged):
    script.write_text(CODE + "opt = SGD(p, lr=0.1, momentum=0.9)\n")
    unchanged()
    done = annotate("suggest", "train.py", "--json")
    document = json.loads(done.stdout)
    names = [one["name"] for one in document["proposals"]]
    assert names == ["lr", "batch_size", "dropout"]
    assert document["proposals"][0] == {
        "line": 1,
        "col": 6,
        "name": "lr",
        "kind": "assignment",
        "written": "0.01",
        "domain": "loguniform(1e-4, 1.0)",
        "annotation": "@nni.loguniform(1e-4, 1.0)",
        "reason": "a learning rate, a factor of 100 either way",
    }
    assert {one["name"] for one in document["left"]} == {"lr", "momentum"}
    assert document["reports_final_result"] is False
    assert done.stderr == ""


def test_suggest_tells_how_to_report_a_result(script, annotate):
    assert "reports no result" in annotate("suggest", "train.py").stderr
    script.write_text(CODE + "# @nni.report_final_result(lr)\n")
    assert "reports" not in annotate("suggest", "train.py").stderr


def test_a_script_without_hyper_parameters_prints_nothing(script, annotate):
    script.write_text("print('hello')\n")
    done = annotate("suggest", "train.py")
    assert done.stdout == ""
    assert "nothing to propose in train.py" in done.stderr


def test_suggest_refuses_files_that_are_not_scripts(folder, annotate, unchanged):
    (folder / "notes.txt").write_text('{"lr": 0.1}')
    unchanged()
    done = annotate("suggest", "notes.txt", "--write", code=2)
    assert "notes.txt is not a Python script, notebook, YAML, TOML or JSON file" in done.stderr


def test_suggest_does_not_write_comments_into_plain_json(folder, annotate, unchanged):
    (folder / "conf.json").write_text('{"lr": 0.1}')
    unchanged()
    done = annotate("suggest", "conf.json", "--write", code=2)
    assert "conf.json has no comments" in done.stderr
    assert "json5" in done.stderr


def test_interactive_needs_a_terminal(script, annotate, unchanged):
    unchanged()
    assert (
        "--interactive needs a terminal"
        in annotate("suggest", "train.py", "--interactive", code=2).stderr
    )


def on_a_terminal(folder, keys):
    """Run the command with a terminal as standard input, and type `keys`."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "annotate", "suggest", "train.py", "--interactive"]
    with subprocess.Popen(
        words, cwd=folder, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        os.close(theirs)
        os.write(ours, keys.encode())
        shown = process.communicate(timeout=60)[0].decode()
    os.close(ours)
    assert process.returncode == 0, shown
    return shown


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        pytest.param("y\nn\ny\n", [0, 3], id="yes and no"),
        pytest.param("n\na\n", [2, 3], id="all from here on"),
        pytest.param("y\nq\n", [0], id="quit"),
        pytest.param("maybe\ny\nq\n", [0], id="an answer that is none"),
        pytest.param("y\n\x04", [0], id="the end of the input"),
        pytest.param("q\n", [], id="quit at once"),
    ],
)
def test_interactive_writes_the_accepted_proposals(script, folder, keys, lines):
    shown = on_a_terminal(folder, keys)
    old, new = CODE.splitlines(), TAKEN.splitlines()
    expected = [new[i] if i in lines else line for i, line in enumerate(old)]
    assert script.read_text().splitlines() == expected, shown
    assert "train.py:1 lr: a learning rate" in shown
