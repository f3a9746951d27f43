"""Kill experiments at random moments, resume them, and check that nothing is lost.

    python benchmarks/torture.py [--kills 300] [--seconds 1800] [--trials 20] [--seed N]

Experiments alternate between two kinds. In one, with one trial at a time, the driver alone is
killed, and all trials must have the values of an uninterrupted run. In the other, with three at a
time, the driver, the fork server and trials are killed. After each kill of a driver, no process of
the experiment may be left. At the end, every result that was ever stored must be there unchanged,
and each trial once. Exits with code 1 at the first error and keeps its folder for inspection. Linux
only, because it looks for processes in /proc.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from runtime.core.trial import TrialState
from runtime.store import Store

SCRIPT = """\
import time
x = 0.5  # @nni.uniform(0, 1)
y = 3  # @nni.randint(0, 100)
for step in range(3):
    time.sleep(x / 30)
    # @nni.report_intermediate_result(x * step)
# @nni.report_final_result(x * 1000 + y)
time.sleep(0.02)
"""
FATAL = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
GONE_WITHIN = 20.0  # seconds; after a driver's death its trials have two to end by themselves


class Wrong(Exception):
    """A result was lost, changed or duplicated, or a process was left behind."""


class Experiment:
    """One experiment, whose driver is restarted each time it dies."""

    def __init__(self, folder, home, options, dice, *, alone):
        self.folder, self.home, self.dice, self.alone = folder, home, dice, alone
        self.trials = options.trials if alone else 4 * options.trials
        self.seen = {}  # from a trial's number to its result
        self.driver = None
        self.kills = Counter()

    @property
    def path(self):
        stores = list((self.home / "experiments").glob("*/experiment.db"))
        return stores[0].parent if stores else None

    def start(self):
        words = ["resume", self.path.name] if self.path else self.first()
        self.driver = subprocess.Popen(
            [sys.executable, "-m", "annotate", *words],
            cwd=self.folder,
            env={**os.environ, "ANNOTATE_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def first(self):
        limits = ["--max-trials", str(self.trials), "--max-failures", "10000"]
        options = ["--seed", "5", "--concurrency", "1" if self.alone else "3"]
        return [
            "run",
            "train.py",
            "--tuner",
            "tpe",
            "--tuner-args",
            "n_startup_jobs=4",
            *limits,
            *options,
        ]

    def run(self, budget):
        """Kill it at most `budget` times, then let it finish; returns the number of kills."""
        while True:
            self.start()
            if sum(self.kills.values()) < budget:
                self.kill_driver()
            self.driver.wait(timeout=300)
            output = self.driver.stdout.read().decode(errors="replace")
            self.check_store(output)
            if "KeyboardInterrupt" in output:
                continue  # the kill came while Python was starting
            if self.driver.returncode in (0, 1) and "Traceback" not in output:
                return sum(self.kills.values())
            if self.driver.returncode == 2 and " is done: all its trials have run" in output:
                return sum(self.kills.values())  # the last kill came after the last result
            if self.driver.returncode not in (-9, -15, -2, 130):
                raise Wrong(f"the driver ended with {self.driver.returncode}:\n{output}")

    def kill_driver(self):
        """Kill random processes at random moments until one of them is the driver."""
        while True:
            try:
                self.driver.wait(self.dice.choice([0.3, 1, 2]) * self.dice.random())
                return
            except subprocess.TimeoutExpired:
                pass
            kinds = ["driver"] if self.alone else ["driver", "server", "trial", "trial"]
            kind = self.dice.choice(kinds)
            if kind == "driver":
                number = self.dice.choice(FATAL)
                self.driver.send_signal(number)
                self.kills[f"driver, {signal.Signals(number).name}"] += 1
                return
            pids = [pid for pid, role in self.processes().items() if role == kind]
            if pids:
                try:
                    os.kill(self.dice.choice(pids), signal.SIGKILL)
                except ProcessLookupError:
                    continue
                self.kills[kind] += 1

    def processes(self):
        """The experiment's processes by PID, each with its role: the fork server or a trial."""
        mark = os.fsencode(self.home) + b"/experiments/"
        roles = {}
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if mark not in (place / "environ").read_bytes():
                    continue
                parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            roles[int(place.name)] = "server" if parent == self.driver.pid else "trial"
        return roles

    def check_store(self, output):
        """Check that the store still holds everything that it held before."""
        until = time.monotonic() + GONE_WITHIN
        while remaining := self.processes():
            if time.monotonic() > until:
                raise Wrong(f"left running: {remaining}")
            time.sleep(0.02)
        if self.path is None:
            return
        with Store.open(self.path / "experiment.db") as store:
            trials = store.trials()
            now = {
                t.number: (t.id, t.state, t.values, t.metric, list(store.reports(t.number)))
                for t in trials
                if t.state.ended
            }
        if [t.number for t in trials] != list(range(len(trials))):
            raise Wrong(f"trials are {[t.number for t in trials]}")
        for number, was in self.seen.items():
            if now.get(number) != was:
                raise Wrong(f"trial {number} was {was}, and is {now.get(number)}\n{output}")
        for number, (_, *came) in now.items():
            self.check_trial(number, *came, output)
        self.seen = now

    def check_trial(self, number, state, values, metric, reports, output):
        """Check one trial that has ended."""
        if state is not TrialState.SUCCEEDED:
            if self.alone:
                raise Wrong(f"trial {number} is {state}\n{output}")
            return
        x, y = values["train/x/uniform"], values["train/y/randint"]
        if metric != x * 1000 + y or reports != [x * step for step in range(3)]:
            raise Wrong(f"trial {number} with {values} has {metric} and {reports}")


def torture(options):
    above = Path(tempfile.mkdtemp(prefix="torture-"))
    folder = above / "code"
    folder.mkdir()
    (folder / "train.py").write_text(SCRIPT)
    seed = random.randrange(10**6) if options.seed is None else options.seed
    print(f"seed {seed}, in {above}", flush=True)
    dice = random.Random(seed)
    whole = Experiment(folder, above / "whole", options, dice, alone=True)
    whole.run(0)
    until = time.monotonic() + options.seconds
    total, number = Counter(), 0
    while sum(total.values()) < options.kills and time.monotonic() < until:
        number += 1
        experiment = Experiment(folder, above / str(number), options, dice, alone=number % 2 == 1)
        # A kill in the first second leaves little behind, so kill many experiments, and each often.
        experiment.run(min(30, -(-options.kills // 2), options.kills - sum(total.values())))
        total += experiment.kills
        if len(experiment.seen) != experiment.trials:
            raise Wrong(f"{len(experiment.seen)} of {experiment.trials} trials ended")
        if experiment.alone and {n: r[2:] for n, r in experiment.seen.items()} != {
            n: r[2:] for n, r in whole.seen.items()
        }:
            raise Wrong("not the values of a run that nobody interrupted")
        print(f"{number}: {dict(experiment.kills)}", flush=True)
    print(f"{sum(total.values())} kills in {number} experiments: {dict(total)}; nothing was lost")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=1800, help="begin nothing new after that")
    parser.add_argument(
        "--trials",
        type=int,
        default=20,
        help="of an experiment with one at a time; others have four times as many",
    )
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    try:
        torture(options)
    except Wrong as wrong:
        print(f"WRONG: {wrong}")
        sys.exit(1)


if __name__ == "__main__":
    main()
