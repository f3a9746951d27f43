"""Measure many trials: 10,000 finished ones in the store, and 1,000 running at a time.

    python benchmarks/scale.py [--trials 1000 10000] [--concurrent 10 1000] [--tuner random]

For each number of finished trials with ten intermediate results each, prints the seconds to list
them and to resume the experiment, the driver's peak memory (MiB), and the cost of one more trial
(ms, median of 20). Then it prints the events per second that a driver can handle, including store
and tuner, with each number of running trials; the executor only simulates that trials start, report
and end. Totals should grow in proportion to the number of trials, and costs per trial or event stay
the same.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

import tuners
from annotate.project import read_project
from runtime.core.config import Config
from runtime.core.metrics import Batch
from runtime.core.trial import Origin, Report, Trial, TrialState
from runtime.driver.create import create
from runtime.executors.base import Ended, Executor, Reported, Started
from runtime.loop.algorithms import load
from runtime.loop.experiment import Experiment
from runtime.loop.gate import gate
from runtime.loop.limits import Limits
from runtime.store import Store

SCRIPT = """\
x = 0.5  # @nni.uniform(0, 1)
n = 5  # @nni.randint(0, 100)
kind = "a"  # @nni.choice("a", "b", "c")
# @nni.report_final_result(x)
"""
REPORTS = 10  # of each trial
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


class Simulated(Executor):
    """Simulates trials that report ten times and take no time, one step of each in turn."""

    def __init__(self, post, handled):
        super().__init__(post)
        self.posted = 0
        self._handled = handled
        self._steps = {}
        self._stopped = set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def start(self, job):
        self._steps[job.trial] = 0

    def stop(self, trial, *, grace):
        self._stopped.add(trial)

    def close(self):
        self._closing.set()
        self._thread.join()

    def _run(self):
        while not self._closing.is_set():
            for trial, step in list(self._steps.items()):
                self._step(trial, step)
            # Wait until reports are handled: a real trial's reports would wait in its file.
            while self.posted - self._handled() > 1000 and not self._closing.is_set():
                time.sleep(0.0005)
            if not self._steps:
                time.sleep(0.0005)

    def _step(self, trial, step):
        now = time.time()
        self._steps[trial] = step + 1
        self.posted += 1
        if step == 0:
            self.post(Started(trial, now, 0))
        elif step <= REPORTS:
            self.post(Reported(trial, Batch([Report("intermediate", float(step), now)])))
        elif step == REPORTS + 1:
            self.post(Reported(trial, Batch([Report("final", 1.0, now)])))
        else:
            del self._steps[trial]
            self.post(Ended(trial, now, 0))


class Counting:
    """Counts changes: one for each event, and one for each new trial."""

    def __init__(self):
        self.changes = 0
        self.new = 0

    def changed(self, trial):
        self.changes += 1
        self.new += trial.state is TrialState.WAITING

    def failed(self, trial, failure):
        pass

    def note(self, text):
        pass


def concurrent(folder, count):
    trials = max(2000, 3 * count)
    experiment, config, space = new_experiment(
        folder, max_trials=trials, concurrency=count, trial_timeout=3600.0, tuner="random", seed=1
    )
    watcher, made_by = Counting(), []

    def executor(post):
        made_by.append(Simulated(post, lambda: watcher.changes - watcher.new))
        return made_by[0]

    with Store.open(experiment.store, write=True) as store:
        began, used = time.perf_counter(), time.process_time()
        Experiment(
            experiment,
            store,
            executor,
            lambda trials, post: gate(None, config, experiment.id, trials, watcher.note, post),
            load(config, space, time.monotonic()),
            watcher,
            limits=Limits(config, time.monotonic()),
        ).run()
        seconds, busy = time.perf_counter() - began, time.process_time() - used
    events = made_by[0].posted
    print(
        f"{count:6d} at a time: {events / seconds:.0f} events/s, {trials / seconds:.0f} trials/s "
        f"({1e6 * busy / events:.0f} µs of processor time an event)",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="*", default=[1000, 10000])
    parser.add_argument("--concurrent", type=int, nargs="*", default=[10, 1000])
    parser.add_argument("--tuner", default="random")
    options = parser.parse_args()
    for count in options.trials:
        within(lambda folder, n=count: finished(folder, n, options.tuner))
    for count in options.concurrent:
        within(lambda folder, n=count: concurrent(folder, n))


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
