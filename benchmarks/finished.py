"""Measure experiments that continue after many finished trials.

    python benchmarks/finished.py [--trials 1000 10000] [--tuner random]

For each number of finished trials with ten intermediate results each, prints the seconds to list
them and to resume the experiment, the driver's peak memory (MiB), and the cost of one more trial
(ms, median of 20). Totals should grow in proportion to the number of trials, and the cost of one
more trial stay the same.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import tuners
from annotate.project import read_project
from runtime.core.config import Config
from runtime.core.trial import Origin, Report, Trial, TrialState
from runtime.driver.create import create
from runtime.store import Store

SCRIPT = """\
x = 0.5  # @nni.uniform(0, 1)
n = 5  # @nni.randint(0, 100)
kind = "a"  # @nni.choice("a", "b", "c")
# @nni.report_final_result(x)
"""
ADDED = 20  # trials that run after the finished ones


def new_experiment(folder, **settings):
    (folder / "train.py").write_text(SCRIPT)
    project = read_project(folder / "train.py", folder)
    config = Config("train.py", str(folder), sys.executable, baseline=False, **settings)
    return create(config, project), config, project.space


def fill(folder, space, count):
    """Store finished trials as a driver would have stored them."""
    tuner = tuners.create("random", space, seed=1)
    with Store.open(folder.store, write=True) as store:
        store.sync_in_background()
        for number in range(count):
            values, now = tuner.ask(), time.time()
            trial = Trial(number, f"t{number}", Origin.TUNER, TrialState.WAITING, values)
            store.add_trial(trial, asked=2 * number + 1)
            store.start_trial(number, now)
            curve = [Report("intermediate", n * values["train/x/uniform"], now) for n in range(10)]
            store.add_reports(number, [*curve, Report("final", values["train/x/uniform"], now)])
            ended = Trial(number, trial.id, trial.origin, TrialState.SUCCEEDED, values, ended=now)
            store.end_trial(ended, told=2 * number + 2)
        store.set_state("STOPPED", "interrupted", time.time())


def command(*words):
    """Run a command; returns its seconds and its peak memory (MiB)."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "annotate", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    return time.perf_counter() - began, used.ru_maxrss / 1024


def finished(folder, count, tuner):
    experiment, _, space = new_experiment(folder, max_trials=count + ADDED, tuner=tuner)
    fill(experiment, space, count)
    listed, _ = command("trial", "ls", experiment.id, "--json")
    all_listed, _ = command("experiment", "list", "--all")
    began = time.time()
    _, memory = command("resume", experiment.id)
    with Store.open(experiment.store) as store:
        added = store.trials()[count:]
    resumed = added[0].created - began
    each = statistics.median(b.ended - a.ended for a, b in pairwise(added))
    size = experiment.store.stat().st_size / 2**20
    print(
        f"{count:6d} finished: trial ls {listed:.2f} s, experiment list {all_listed:.2f} s, "
        f"resume to its first trial {resumed:.2f} s, driver {memory:.0f} MiB, "
        f"one more trial {1000 * each:.0f} ms, store {size:.1f} MiB",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="*", default=[1000, 10000])
    parser.add_argument("--tuner", default="random")
    options = parser.parse_args()
    for count in options.trials:
        within(lambda folder, n=count: finished(folder, n, options.tuner))


def within(measure):
    with tempfile.TemporaryDirectory() as above:
        os.environ["ANNOTATE_HOME"] = str(Path(above, "home"))
        folder = Path(above, "code")
        folder.mkdir()
        os.chdir(folder)
        measure(folder)
        os.chdir("/")


if __name__ == "__main__":
    main()
