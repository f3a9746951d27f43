"""Trials that run at the same time and write one file are noticed."""

import json
import math

import pytest

from runtime.core.config import Config
from runtime.core.metrics import Batch
from runtime.core.trial import Origin, Trial, TrialState
from runtime.loop.shared_files import SharedFiles

HINT = "so results may be wrong. --isolate gives each trial a working folder of its own."


class Writes:
    """Trials of an experiment in /project that run for the given times, and what they write."""

    def __init__(self, times):
        self.trials = {
            n: Trial(
                n, f"id{n}", Origin.USER, TrialState.RUNNING, {}, started=begin,
                ended=None if end == math.inf else end,
            )
            for n, (begin, end) in enumerate(times)
        }  # fmt: skip
        self.files = SharedFiles(self.trials, Config("train.py", "/project", "python"))

    def __call__(self, number, when, *paths):
        return self.files.notices(number, Batch(wrote=dict.fromkeys(paths, when)))


def test_a_file_that_two_running_trials_write_is_named_once():
    write = Writes([(0, math.inf), (0, math.inf), (0, math.inf)])
    assert write(0, 1, "/project/best.pt") == []
    assert write(0, 2, "/project/best.pt") == []
    assert write(1, 3, "/project/best.pt", "/project/mine") == [
        f"Trials 0 and 1 write best.pt at the same time, {HINT}"
    ]
    assert write(2, 4, "/project/best.pt") == []


def test_several_files_and_trials_are_listed():
    write = Writes([(0, math.inf)] * 3)
    write(0, 1, "/project/a", "/tmp/b")
    write(1, 1, "/tmp/c")
    (text,) = write(2, 2, "/project/a", "/tmp/b", "/tmp/c")
    assert text == f"Trials 0, 1 and 2 write a, /tmp/b and /tmp/c at the same time, {HINT}"


@pytest.mark.parametrize(
    ("times", "writes"),
    [
        pytest.param([(0, 5), (6, math.inf)], [(0, 1), (1, 7)], id="one after the other"),
        pytest.param([(0, 5), (1, math.inf)], [(0, 1), (1, 6)], id="written after its end"),
        pytest.param([(4, math.inf), (0, math.inf)], [(0, 1), (1, 5)], id="in an earlier run"),
    ],
)
def test_trials_that_do_not_overlap_share_no_file(times, writes):
    write = Writes(times)
    assert [write(number, when, "/project/x") for number, when in writes] == [[], []]


SCRIPT = """\
import os, pathlib, time
x = 0.5  # @nni.uniform(0, 1)
WRITE
pathlib.Path(os.environ["MEET"], os.environ["NNI_TRIAL_SEQ_ID"]).touch()
while len(os.listdir(os.environ["MEET"])) < 2:
    time.sleep(0.01)
# @nni.report_final_result(x)
"""


def test_files_that_trials_share_are_noticed_and_private_ones_are_not(annotate, folder, tmp_path):
    write = """
open("best.txt", "w").close()
open(os.environ["NNI_OUTPUT_DIR"] + "/mine", "w").close()
open("rows-" + os.environ["NNI_TRIAL_SEQ_ID"], "a").close()
open("train.py").close()
open(os.devnull, "w").close()
pathlib.Path("new").write_text("")
os.replace("new", "renamed") if os.environ["NNI_TRIAL_SEQ_ID"] == "0" else None
"""
    (folder / "train.py").write_text(SCRIPT.replace("WRITE", write))
    (tmp_path / "meet").mkdir()
    done = annotate(
        *("run", "train.py", "--max-trials", 2, "--concurrency", 2, "--json"),
        MEET=str(tmp_path / "meet"),
    )
    assert json.loads(done.stdout)["trials"][1]["metric"] is not None
    (line,) = [line for line in done.stderr.splitlines() if "at the same time" in line]
    assert "best.txt" in line
    assert "mine" not in line
    assert "rows" not in line


def test_files_of_trials_that_ended_long_ago_are_forgotten():
    """Otherwise each trial's own file would stay in memory until the experiment ends."""
    write = Writes([(0, 5)] * 3000)
    for number in range(3000):
        write(number, 1, f"/project/model-{number}.pt")
    assert len(write.files._writers) <= 1001
