"""Measure what the folders of many trials keep, and how long they take.

    python benchmarks/folders.py [--trials 1000] [--data]

The experiment's loop runs with an executor that does what a short trial does to its folder: create
its streams, report ten times, print some lines or nothing, end. Prints, for each trial: the files
and folders that stay (inodes), the bytes that they hold and the bytes that they take on the disk,
and the milliseconds from one trial to the next. Add --data for a script with an annotated
configuration file.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from queue import SimpleQueue

from annotate.project import read_project
from runtime.core.config import Config
from runtime.core.metrics import MetricsFile
from runtime.driver import build
from runtime.driver.start import new_experiment
from runtime.executors import base

SCRIPT = """\
x = 0.5  # @nni.uniform(0, 1)
# @nni.report_final_result(x)
"""
DATA = """\
optimizer:
  lr: 0.1  # @nni.loguniform(0.001, 1)
"""
REPORTS = 10  # of each trial


class Folders(base.Executor):
    """Ends each trial at once, and leaves its folder as the trial would."""

    def __init__(self, post, line):
        super().__init__(post)
        self._line = line
        self._jobs = SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def start(self, job):
        self._jobs.put(job)

    def stop(self, trial, *, grace):
        pass

    def close(self):
        self._jobs.put(None)
        self._thread.join()

    def _run(self):
        while (job := self._jobs.get()) is not None:
            self.post(base.Started(job.trial, time.time(), 0))
            for stream, text in ((job.folder.stdout, self._line), (job.folder.stderr, "")):
                stream.write_text(text)
            report = {"type": "intermediate", "value": 0.5, "time": time.time()}
            final = {**report, "type": "final"}
            lines = [json.dumps(r) + "\n" for r in (*[report] * REPORTS, final)]
            job.folder.metrics.write_text("".join(lines))
            self.post(base.Reported(job.trial, MetricsFile(job.folder.metrics).read()))
            self.post(base.Ended(job.trial, time.time(), 0))
            if hasattr(base, "Cleared"):  # versions before 0.2.0 have none
                self.post(base.Cleared(job.trial))


class Silent:
    def changed(self, trial):
        pass

    failed = note = changed


def measure(folder, count, line):
    project = read_project(folder / "train.py", folder)
    config = Config(
        "train.py", str(folder), sys.executable, tuner="random", seed=1, max_trials=count
    )
    start = new_experiment(config, project)
    parts = build.prepare(start, print)
    experiment = start.make_folder()
    with build.open_store(start, parts, experiment) as (store, algorithms, _):
        began = time.perf_counter()
        build.build(
            start, parts, algorithms, experiment, store, Silent(), lambda post: Folders(post, line)
        ).run()
        seconds = time.perf_counter() - began
    kept = [p.lstat() for p in experiment.trials.rglob("*")] if experiment.trials.exists() else []
    print(
        f"{count:6d} trials: each keeps {len(kept) / count:.2f} inodes, "
        f"{sum(s.st_size for s in kept) / count:8.0f} bytes, "
        f"{512 * sum(s.st_blocks for s in kept) / count:8.0f} on the disk, "
        f"and takes {1000 * seconds / count:.2f} ms",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="*", default=[1000])
    parser.add_argument("--data", action="store_true", help="annotate a YAML file too")
    options = parser.parse_args()
    for count in options.trials:
        for title, line in (("silent", ""), ("printing 3 lines", "epoch 1: loss 0.5\n" * 3)):
            print(title)
            within(lambda folder, n=count, text=line: measure(folder, n, text), data=options.data)


def within(measured, *, data):
    with tempfile.TemporaryDirectory() as above:
        os.environ["ANNOTATE_HOME"] = str(Path(above, "home"))
        folder = Path(above, "code")
        folder.mkdir()
        (folder / "train.py").write_text(SCRIPT)
        if data:
            (folder / "config.yaml").write_text(DATA)
        os.chdir(folder)
        measured(folder)
        os.chdir("/")


if __name__ == "__main__":
    main()
