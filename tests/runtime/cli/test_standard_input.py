"""Trials read the standard input of `annotate run`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from annotate.errors import AnnotateError
from annotate.project import read_project
from runtime.cli import standard_input
from runtime.core.config import Config

SCRIPT = """\
import sys
lr = 0.5  # @nni.uniform(0, 1)
total = sum(map(float, sys.stdin.read().split()))
# @nni.report_final_result(total)
"""


@pytest.fixture
def project(folder):
    (folder / "train.py").write_text(SCRIPT)
    return read_project(folder / "train.py", folder)


@pytest.fixture
def read(project):
    """What trials would read if `file` were this process's standard input."""
    saved = os.dup(0)

    def call(file):
        os.dup2(file, 0)
        return standard_input.read(Config("train.py", str(Path.cwd()), sys.executable), project)

    yield call
    os.dup2(saved, 0)
    os.close(saved)


@pytest.mark.parametrize("options", [[], ["--fresh-process"]])
def test_every_trial_reads_all_of_standard_input(project, options):
    command = [sys.executable, "-m", "annotate", "run", "train.py", "--json", "--max-trials", "2"]
    done = subprocess.run([*command, *options], input=b"1 2 3\n", capture_output=True, check=True)
    assert [trial["metric"] for trial in json.loads(done.stdout)["trials"]] == [6.0, 6.0]


def test_input_beyond_the_limit_is_refused(read, monkeypatch, tmp_path):
    monkeypatch.setattr(standard_input, "LIMIT", 9)
    (tmp_path / "input").write_bytes(b"0123456789")
    with (tmp_path / "input").open() as file, pytest.raises(AnnotateError, match="exceeds 9"):
        read(file.fileno())


def test_a_terminal_is_not_read(read):
    terminal, side = os.openpty()
    stdin, notes = read(side)
    os.close(terminal)
    os.close(side)
    assert stdin is None
    assert notes == [
        "train.py reads standard input, but trials get empty input: pass it with < FILE"
    ]


def test_an_empty_input_is_not_kept(read):
    with Path(os.devnull).open() as null:
        assert read(null.fileno()) == (None, [])
