"""A user's project, with commands that use the servers."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from runtime.store import Store
from runtime.system.lock import is_held

SCRIPT = """\
import os, sys, time
x = 0.5  # @nni.uniform(0, 1)
with open("data/offset.txt") as file:
    offset = float(file.read())
place = os.environ["NNI_OUTPUT_DIR"]
with open(place + "/starts", "a") as file:
    file.write("started\\n")
for step in range(STEPS):
    # @nni.report_intermediate_result(x + offset + step)
    print("step", step, flush=True)
    time.sleep(0.05)
loss = x + offset
# @nni.report_final_result(loss)
"""


class Project:
    """A project with a script and its data, and a user's commands in it."""

    def __init__(self, folder, home):
        self.folder = folder / "it's a project"
        (self.folder / "data").mkdir(parents=True)
        (self.folder / "data" / "offset.txt").write_text("1.5")
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "ANNOTATE_HOME": str(folder / "experiments"),
        }

    def write(self, steps):
        (self.folder / "train.py").write_text(SCRIPT.replace("STEPS", str(steps)))

    def start(self, *words, **streams):
        return subprocess.Popen(
            [sys.executable, "-m", "annotate_hpo", *words],
            cwd=self.folder,
            env=self.environment,
            text=True,
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **streams,
            },
        )

    def run_on_terminal(self, *words, answers, code=0):
        """Answer each line that ends in ": " with the next answer; returns what was shown."""
        ours, theirs = os.openpty()
        process = self.start(*words, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown, left = b"", list(answers)
        with contextlib.suppress(OSError):  # the other side is closed
            while data := os.read(ours, 4096):
                shown += data
                if left and shown.endswith(b": "):
                    os.write(ours, f"{left.pop(0)}\n".encode())
        os.close(ours)
        assert process.wait(timeout=120) == code, shown.decode()
        assert not left, shown.decode()
        return shown.decode()

    def run(self, *words, code=0, seconds=120):
        process = self.start(*words)
        out, err = process.communicate(timeout=seconds)
        assert process.returncode == code, err
        return out, err

    @property
    def experiment(self):
        (folder,) = Path(self.environment["ANNOTATE_HOME"]).glob("experiments/*/")
        return folder

    def wait_for_steps(self, trials):
        """Wait until each of the trials has printed something."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError, ValueError):
                if all(self.lines(trial, "stdout") > 2 for trial in trials):
                    return
            time.sleep(0.05)
        raise AssertionError("the trials print nothing")

    def wait_for_end(self):
        """Wait for a driver in the background, and end the pages that it came with."""
        until = time.monotonic() + 60
        while is_held(self.experiment / "lock"):
            assert time.monotonic() < until, "the experiment does not end"
            time.sleep(0.1)
        self.run("ui", "--stop")
        with Store.open(self.experiment / "experiment.db") as store:
            return store.experiment()

    def lines(self, trial, name):
        path = self.experiment / "trials" / str(trial) / name
        return len(path.read_text().splitlines())

    def check(self, trials, steps):
        """Each trial ran once, and everything that it wrote came home once."""
        for trial in trials:
            assert self.lines(trial, "stdout") == steps
            assert self.lines(trial, "output/starts") == 1
        with Store.open(self.experiment / "experiment.db") as store:
            assert [t.reports for t in store.trials()] == [steps] * len(trials)
            assert all(t.metric is not None for t in store.trials())
