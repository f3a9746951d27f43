"""A project with a script, and a user's commands in it."""

import contextlib
import os
import subprocess
import sys
import time

from annotate.errors import AnnotateError
from runtime.store import Store

SCRIPT = """\
import os, sys, time
x = 0.5  # @nni.uniform(0, 1)
with open(os.environ["NNI_OUTPUT_DIR"] + "/starts", "a") as file:
    file.write("started\\n")
for step in range(STEPS):
    # @nni.report_intermediate_result(x + step)
    print("step", step, flush=True)
    time.sleep(0.05)
# @nni.report_final_result(x)
"""


class Project:
    def __init__(self, folder):
        self.folder = folder / "it's a project"
        self.folder.mkdir()
        self.processes = []
        self.home = folder / "experiments"
        self.environment = {**os.environ, "ANNOTATE_HOME": str(self.home), "A_SECRET": "s3cr3t"}

    def write(self, steps):
        (self.folder / "train.py").write_text(SCRIPT.replace("STEPS", str(steps)))

    def start(self, *words):
        process = subprocess.Popen(
            [sys.executable, "-m", "annotate_hpo", *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes:
            process.kill()
            process.communicate()

    def run(self, *words, code=0):
        return self.finish(self.start(*words), code)

    def finish(self, process, code=0):
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, err
        return out, err

    @property
    def experiment(self):
        (folder,) = self.home.glob("experiments/*/")
        return folder

    def trials(self):
        with Store.open(self.experiment / "experiment.db") as store:
            return list(store.trials())

    def wait_for(self, condition):
        until = time.monotonic() + 180
        while time.monotonic() < until:
            with contextlib.suppress(OSError, ValueError, IndexError, KeyError, AnnotateError):
                if condition():
                    return
            time.sleep(0.05)
        raise AssertionError("it does not happen")

    def wait_for_steps(self, *trials):
        """Wait until each of the trials has printed something."""
        self.wait_for(lambda: all(self.lines(trial, "stdout") > 2 for trial in trials))

    def lines(self, trial, name):
        path = self.experiment / "trials" / str(trial) / name
        return len(path.read_text().splitlines())

    def job(self, trial):
        """The ID of the job in which a trial runs."""
        return self.trials()[trial].place["machine"].removeprefix("slurm-")

    def check(self, trials, steps):
        """Each trial ran once, and everything that it wrote came home once."""
        for trial in trials:
            assert self.lines(trial, "stdout") == steps
            assert self.lines(trial, "output/starts") == 1
        assert [t.reports for t in self.trials()] == [steps] * len(trials)
        assert all(t.metric is not None for t in self.trials())
