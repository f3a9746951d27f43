"""Text from a trial never controls the terminal, and each value stays on its line."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.cli import terminal
from runtime.cli.diffs import git_diff
from runtime.cli.terminal import visible
from runtime.cli.text import value, values_line

SCRIPT = r"""s = "a"  # @nni.choice("a", "x\ny", "\r\x1b[2Kfake", "nul\0", "\u202eevil")
if s != "a":
    raise ValueError("\x1b]0;title\x07 it failed")
# @nni.report_final_result(1)
"""
COMMANDING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.mark.parametrize(
    ("text", "shown", "in_lines"),
    [
        ("plain, é 漢 😀👩‍👩‍👧 שלום", None, None),
        ("a\nb\tc", r"a\nb\tc", "a\nb\tc"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\r\x1b[2Kfake", r"\r\x1b[2Kfake", r"\r\x1b[2Kfake"),
        ("\u202etxt.exe\u2066", r"\u202etxt.exe\u2066", r"\u202etxt.exe\u2066"),
        ("nul\0\x9b", r"nul\x00\x9b", r"nul\x00\x9b"),
        ("\udcff\u2028", r"\udcff\u2028", r"\udcff\u2028"),
    ],
)
def test_control_characters_are_shown_as_escapes(text, shown, in_lines):
    assert visible(text) == (text if shown is None else shown)
    assert visible(text, lines=True) == (text if in_lines is None else in_lines)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"_name": "Conv", "kernel_size": 2}, "Conv(kernel_size=2)"),
        ({"_name": "Empty"}, "Empty()"),
        ({"_name": "nni.uniform(0, 1)", "uniform": 0.2997}, "0.2997 (uniform)"),
        ({"_name": "A", "b": {"_name": "nni.randint(1, 9)", "randint": 3}}, "A(b=3 (randint))"),
        ("x\ny", r"x\ny"),
        (["\x1b", 1], r"['\x1b', 1]"),
    ],
)
def test_a_nested_choice_is_shown_with_its_branch(given, shown):
    assert value(given) == shown
    assert values_line({"k\n": given}, {}) == rf"k\n={shown}"


NESTED = """\
p = 0.5  # @nni.choice(nni.uniform(0, 1), nni.choice(3, 4))
scaler = max(1, 2)  # @nni.function_choice(max(1, 2), min(1, 2))
# @nni.report_final_result(p)
"""


def test_show_and_diff_name_parameters_and_the_branch_of_nested_values(annotate, folder):
    (folder / "train.py").write_text(NESTED)
    annotate("run", "train.py", "--tuner", "random", "--max-trials", 5, "--seed", 1)
    values = {
        t["number"]: t["values"] for t in json.loads(annotate("trial", "ls", "--json").stdout)
    }
    key = "train/p/choice"
    number = next(n for n, v in values.items() if n and "uniform" in v[key])
    shown = annotate("diff", 0, number).stdout
    assert re.search(r"\*  +p  +0.5  +0\.\d+ \(uniform\)", shown)
    assert re.search(r"^  +p \(result\)  +0.5  ", shown, re.MULTILINE), "not a second row `p`"
    text = annotate("experiment", "show").stdout
    assert re.search(r"^best values  p  +\S+ \((uniform|choice)\)$", text, re.MULTILINE)
    assert re.search(r"^space  +p  +choice\(uniform\(0, 1\), choice\(3, 4\)\)$", text, re.MULTILINE)
    assert "train/" not in text.split("\nspace ")[1]


def test_no_control_character_of_a_trial_reaches_the_terminal(annotate, folder):
    (folder / "train.py").write_text(SCRIPT)
    done = annotate("run", "train.py", "--tuner", "grid", "--max-failures", 9)
    assert r"s=\r\x1b[2Kfake" in done.stderr
    assert r"\x1b]0;title\x07 it failed" in done.stderr
    listed = annotate("trial", "ls").stdout
    assert not COMMANDING.search(done.stdout + done.stderr + listed)
    assert sum(line.lstrip()[:1].isdecimal() for line in listed.splitlines()) == 5
    if shutil.which("script") is None:
        return
    command = f"'{sys.executable}' -m annotate log trial -T 2"
    shown = subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True)
    assert rb"\x1b]0;title\x07 it failed" in shown.stdout
    assert b"\x07" not in shown.stdout


def test_every_command_prints_through_the_terminal_module():
    folder = Path(terminal.__file__).parent
    plain = re.compile(r"(?<![\w.])print\(|stdout\.(buffer\.)?write|(?<![\w.])Text\((?![\"'])")
    for file in folder.glob("*.py"):
        text = file.read_text().replace("def _print(", "")
        assert file.name == "terminal.py" or not plain.search(text), file.name


@pytest.mark.parametrize("name", ["train.py", "a b é/tr.py", "a\n\t\x1b\u202e\"\\'\x9b/tr.py"])
@pytest.mark.parametrize("program", [["git", "apply"], ["patch", "-p1"]])
def test_a_diff_applies_whatever_the_file_is_called(tmp_path, name, program):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"a\n")
    diff = git_diff(name, b"a\n", b"b\n")
    head = diff.decode().split("@@")[0]
    assert head.count("\n") == 2
    assert not COMMANDING.search(head)
    assert ('"' in head) == ("\n" in name)
    if shutil.which(program[0]):
        subprocess.run(program, input=diff, cwd=tmp_path, check=True)
        assert path.read_bytes() == b"b\n"
