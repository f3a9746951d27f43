"""Measure experiments with 1,000 and 10,000 trials at a time.

    python benchmarks/scale.py [--concurrent 1000 10000] [--tuners random tpe auto] [--more 10000]
                               [--assessor medianstop] [--a-day 100000] [--repeats 3]

The driver's own loop, store, tuner, assessor and progress run; only the trials are simulated: of
mixed lengths, with ten reports each, on a clock that skips the time in which no slot is free (see
simulated.py). Trials start in all slots, and then `--more` trials in those that become free.
`--a-day` is how many trials the slots would run a day if none was ever free; 0 makes every trial
end at once. Once two thirds of the trials have ended, the pages and the commands are asked
`--repeats` times, beside the driver at full speed.

Prints, for each tuner and number of trials at a time: events that the driver handles per second,
its processor time per event (microseconds), the tuner's processor time per ask once all slots were
filled (milliseconds; median and 99th percentile), the seconds until all slots were filled, the mean
share of free slots from then on until the last trial starts, the driver's peak memory (MiB) and its
growth per trial (KiB), the store (MiB), and the seconds (medians) of the overview's first answer,
its first line of changes, `experiment show` and `trial ls`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

SCRIPT = """\
lr = 0.1  # @nni.loguniform(0.0001, 1)
x = 0.5  # @nni.uniform(0, 1)
n = 5  # @nni.randint(0, 100)
kind = "a"  # @nni.choice("a", "b", "c")
# @nni.report_final_result(x)
"""
DAY = 86400.0


def drive(options):
    """Run one experiment in this process; prints a line of JSON at two thirds and at the end."""
    from simulated import Simulated

    from annotate.project import read_project
    from runtime.cli.progress import LinesProgress
    from runtime.core.config import Config
    from runtime.driver import build
    from runtime.driver.start import new_experiment

    slots = options.concurrent[0]
    trials = slots + options.more
    length = DAY * slots / options.a_day if options.a_day else 0.0
    config = Config(
        "train.py",
        str(Path.cwd()),
        sys.executable,
        baseline=False,
        max_trials=trials,
        concurrency=slots,
        trial_timeout=1e9,
        stall_timeout=1e9,
        tuner=options.tuners[0],
        assessor=options.assessor,
        seed=1,
    )
    start = new_experiment(config, read_project(Path("train.py"), Path.cwd()))
    parts = build.prepare(start, sys.stderr.write)
    folder = start.make_folder()
    memory, simulated = [], []

    class Progress(LinesProgress):
        def changed(self, trial):
            super().changed(trial)
            if trial.state.ended and self.ended in (trials // 3, 2 * trials // 3):
                memory.append(psutil.Process().memory_info().rss)
                print(json.dumps({"id": folder.id, "ended": self.ended}), flush=True)

    def executor(post):
        simulated.append(Simulated(post, slots=slots, trials=trials, length=length, seed=1))
        return simulated[0]

    progress, asks = Progress(config, start.space, folder), []
    with build.open_store(start, parts, folder) as (store, algorithms, _), progress:
        timed(algorithms.tuner, asks)
        began, used = time.perf_counter(), time.process_time()
        build.build(start, parts, algorithms, folder, store, progress, executor).run()
        seconds, busy = time.perf_counter() - began, time.process_time() - used
    (simulated,) = simulated
    result = {
        "events": simulated.events,
        "events_per_second": simulated.events / seconds,
        "us_per_event": 1e6 * busy / simulated.events,
        "ask_ms": 1000 * statistics.median(asks[slots:]),
        "ask_99_ms": 1000 * statistics.quantiles(asks[slots:], n=100)[98],
        "filled_s": simulated.filled,
        "free": simulated.idle / (simulated.idle + simulated.busy),
        "peak_mib": peak_mib(),
        "growth_kib": (memory[1] - memory[0]) / 1024 / (trials / 3),
        "store_mib": folder.store.stat().st_size / 2**20,
    }
    print(json.dumps(result), flush=True)


def timed(tuner, asks):
    """Add the seconds that the tuner's thread computes for each ask to `asks`."""
    ask = tuner.ask

    def timed_ask():
        began = time.thread_time()
        values = ask()
        asks.append(time.thread_time() - began)
        return values

    tuner.ask = timed_ask


def peak_mib():
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(concurrent, tuner, options):
    """Start `drive` as another process, read from its store meanwhile, and return all figures."""
    words = ["--driver", "--concurrent", str(concurrent), "--tuners", tuner]
    words += ["--more", str(options.more), "--a-day", str(options.a_day)]
    words += ["--assessor", options.assessor]
    with tempfile.TemporaryFile("w+") as progress:
        driver = subprocess.Popen(
            [sys.executable, __file__, *words], stdout=subprocess.PIPE, stderr=progress, text=True
        )
        lines = [driver.stdout.readline(), driver.stdout.readline()]
        read = reads(json.loads(lines[1])["id"], options.repeats) if all(lines) else {}
        read["driver_ran"] = driver.poll() is None or not options.repeats
        lines += driver.stdout.readlines()
        if driver.wait():
            progress.seek(0)
            sys.exit("".join(progress.readlines()[-10:]))
    return json.loads(lines[-1]) | read


def reads(experiment, repeats):
    """Seconds until pages and commands have answered about the experiment; medians."""

    if not repeats:
        return {}

    def median(call):
        return statistics.median(seconds_of(call) for _ in range(repeats))

    from runtime.server import launch

    (link, *_) = launch.ensure()
    base = f"{link.partition('/#')[0]}/api/v1/experiments/{experiment}"
    try:
        opened(base).read()  # the server may still be starting
        return {
            "overview_s": median(lambda: opened(base).read()),
            "changes_s": median(lambda: opened(f"{base}/events").readline()),
            "show_s": median(lambda: command("experiment", "show", experiment)),
            "ls_s": median(lambda: command("trial", "ls", experiment)),
        }
    finally:
        launch.stop()


def opened(url):
    from runtime.server import launch

    headers = {"X-Annotate-Token": launch.token()}
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=120)


def command(*words):
    subprocess.run(
        [sys.executable, "-m", "annotate_hpo", *words],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def seconds_of(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


COLUMNS = {
    "events/s": ("events_per_second", ",.0f"),
    "us each": ("us_per_event", ".0f"),
    "ask ms": ("ask_ms", ".2f"),
    "ask p99": ("ask_99_ms", ".2f"),
    "filled s": ("filled_s", ".1f"),
    "free": ("free", ".4%"),
    "MiB": ("peak_mib", ".0f"),
    "KiB/trial": ("growth_kib", ".2f"),
    "store MiB": ("store_mib", ".1f"),
    "overview s": ("overview_s", ".2f"),
    "changes s": ("changes_s", ".2f"),
    "show s": ("show_s", ".2f"),
    "ls s": ("ls_s", ".2f"),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--concurrent", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--tuners", nargs="+", default=["random", "tpe", "auto"])
    parser.add_argument("--assessor", default="", help="for example medianstop")
    parser.add_argument("--more", type=int, default=10000)
    parser.add_argument("--a-day", type=int, default=100000)
    parser.add_argument("--repeats", type=int, default=3, help="0: ask no pages and commands")
    parser.add_argument("--driver", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.driver:
        drive(options)
        return
    print(f"{'at a time':>9}  {'tuner':8}", *(f"{title:>10}" for title in COLUMNS))
    with tempfile.TemporaryDirectory() as above:
        os.environ["ANNOTATE_HOME"] = str(Path(above, "home"))
        Path(above, "train.py").write_text(SCRIPT)
        os.chdir(above)
        for tuner in options.tuners:
            for concurrent in options.concurrent:
                show(concurrent, tuner, measure(concurrent, tuner, options))
        os.chdir("/")


def show(concurrent, tuner, figures):
    cells = [
        f"{figures[key]:>10{form}}" if key in figures else f"{'-':>10}"
        for key, form in COLUMNS.values()
    ]
    late = "" if figures["driver_ran"] else "  (the driver had ended before the last reads)"
    print(f"{concurrent:9,}  {tuner:8}", *cells, late, flush=True)


if __name__ == "__main__":
    main()
