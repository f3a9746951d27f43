"""With `--isolate`, each trial has its own view of the working folder."""

import ctypes
import json
import os
import platform
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.core.config import Config
from runtime.loop import isolation

_MOUNT = {"x86_64": 165, "aarch64": 40}.get(platform.machine())
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2

SCRIPT = """\
import json, os, pathlib, subprocess, sys, time
x = 0.5  # @nni.uniform(0, 1)
number = os.environ["NNI_TRIAL_SEQ_ID"]
y = float(open("config.yaml").read().split()[1])
pathlib.Path("best.txt").write_text(repr(x))
with open("log.txt", "a") as file:
    file.write(number)
subprocess.run([sys.executable, "-c", "open('by child', 'w').write('1')"], check=True)
pathlib.Path(__file__).with_name("beside").write_text(number)
os.remove("old.txt")
os.rename("data/rows.csv", "data/moved.csv")
pathlib.Path(os.environ["MEET"], number).touch()
while len(os.listdir(os.environ["MEET"])) < 2:
    time.sleep(0.01)
seen = [pathlib.Path(n).read_text() for n in ("best.txt", "log.txt", "link", "data/moved.csv")]
assert seen == [repr(x), "user " + number, "linked", "1,2"], seen
assert not os.path.exists("old.txt") and "old.txt" not in os.listdir()
assert pathlib.Path("beside").read_text() == number
# @nni.report_final_result(x + y)
"""
FILES = {
    "train.py": SCRIPT,
    "config.yaml": "y: 0.25  # @nni.uniform(0, 1)\n",
    "log.txt": "user ",
    "old.txt": "",
    "data/rows.csv": "1,2",
    "data/other.csv": "3,4",
    "target": "linked",
}


def forbid_mounts():
    """Have mount(2) fail in this process and its children, as in most containers."""
    load, compare, give = (0x20, 0, 0, 0), (0x15, 0, 1, _MOUNT), (0x06, 0, 0, 0x7FFF0000)
    code = [load, compare, (0x06, 0, 0, 0x00050000 | 1), give]
    data = b"".join(struct.pack("HBBI", *line) for line in code)
    lines = ctypes.create_string_buffer(data)
    program = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(lines))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if libc.prctl(_SECCOMP, _FILTER, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


@pytest.fixture
def files(folder, tmp_path, monkeypatch):
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "link").symlink_to("target")
    (tmp_path / "meet").mkdir()
    monkeypatch.setenv("MEET", str(tmp_path / "meet"))


def needs_overlay(folder):
    if isolation.isolation_of(Config("train.py", str(folder), "python", isolate=True)).why:
        pytest.skip("this user cannot mount an overlay")


def run(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "annotate", "run", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("overlay", []),
        ("overlay", ["--fresh-process"]),
        ("copy", []),
        ("copy", ["--fresh-process"]),
    ],
)
def test_trials_write_into_folders_of_their_own(files, folder, home, unchanged, method, options):
    if method == "overlay":
        needs_overlay(folder)
    unchanged()
    done = run(
        *("train.py", "--isolate", "--json", "--max-trials", "2", "--concurrency", "2", *options),
        preexec_fn=forbid_mounts if method == "copy" else None,
    )
    assert done.returncode == 0, done.stderr
    assert "at the same time" not in done.stderr
    assert ("--isolate copies the working folder" in done.stderr) == (method == "copy")
    for trial in json.loads(done.stdout)["trials"]:
        x, y = trial["values"].values()
        assert trial["metric"] == pytest.approx(x + y)
    (experiment,) = (home / "experiments").glob("*/trials")
    for number in "01":
        kept = experiment / number / "output" / "working-folder"
        names = sorted(str(p.relative_to(kept)) for p in kept.rglob("*") if not p.is_dir())
        assert names == ["beside", "best.txt", "by child", "data/moved.csv", "log.txt"]
        assert not (experiment / number / "scratch").exists()


def test_a_large_folder_that_can_only_be_copied_is_refused(files):
    Path("large").touch()
    os.truncate("large", (1 << 30) + 1)
    done = run("train.py", "--isolate", "--max-trials", "1", preexec_fn=forbid_mounts)
    if done.returncode != 2:
        pytest.skip("the file system shares blocks, so that a copy costs nothing")
    assert "--isolate would copy more than 1GiB of " in done.stderr
