"""Measure how often an idle driver and an idle web server wake up.

    python benchmarks/idle.py [--seconds 20]

Prints the wakes per second of each process and of its threads: how often the kernel took a thread
off a processor because it waited (voluntary context switches in /proc). Linux only. The driver runs
in the background: with one and two trials that sleep, and with a tuner of the user's own that
thinks. The server runs without and with a follower of the live updates, as each open page is one.
"""

import argparse
import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

ANNOTATE = [sys.executable, "-m", "annotate"]
SCRIPT = """\
import time
x = 0.5  # @nni.uniform(0, 1)
# @nni.report_intermediate_result(x)
time.sleep(3600)
# @nni.report_final_result(x)
"""
TUNER = """\
import time
from tuners import Tuner
class Thinking(Tuner):
    def __init__(self, space, *, seed, maximize=False):
        super().__init__(space, seed=seed, maximize=maximize)

    def ask(self):
        time.sleep(3600)

    def tell(self, values, metric):
        pass
"""


def annotate(*words):
    return subprocess.run(
        [*ANNOTATE, *words], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def switches(process):
    """Voluntary context switches of each thread of a process, by thread."""
    counts = {}
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        with contextlib.suppress(OSError):
            fields = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
            counts[task.name] = int(fields["voluntary_ctxt_switches"])
    return counts


def role(process):
    words = " ".join(process.cmdline())
    known = {
        "--driver": "driver",
        "annotate_fork_server": "fork server, its forks and trials",
        "leftovers.py": "watchdog",
        "algorithm": "own algorithm",
        "--inherited": "server",
    }
    return next((text for mark, text in known.items() if mark in words), "other")


def measure(title, processes, seconds):
    """Print the wakes of these processes per second."""
    before = {process: switches(process) for process in processes}
    time.sleep(seconds)
    print(title, flush=True)
    sums = {}
    for process in processes:
        after = switches(process)
        wakes = {t: (n - before[process].get(t, 0)) / seconds for t, n in after.items()}
        sums.setdefault(role(process), []).append((sum(wakes.values()), wakes))
    for name, counted in sums.items():
        total = sum(count for count, _ in counted)
        threads = [f"{w:.2f}" for _, wakes in counted for w in wakes.values() if w]
        print(f"  {name:36s} {total:6.2f} wakes/s   threads: {', '.join(threads) or 'none'}")


def driver(title, seconds, trials, *options):
    """Measure a driver in the background, with its children, once its trials sleep."""
    annotate("run", "train.py", "--background", "--max-trials", "9", *options)
    home = Path(os.environ["ANNOTATE_HOME"])
    (store,) = home.glob("experiments/*/experiment.db")
    folder = store.parent
    while sum(file.stat().st_size > 0 for file in folder.glob("trials/*/metrics.jsonl")) < trials:
        time.sleep(0.1)
    time.sleep(5)  # what happens once at the start is over
    main = psutil.Process(int((folder / "lock").read_text()))
    measure(title, [main, *main.children(recursive=True)], seconds)
    return folder.name


def server(seconds, experiment):
    annotate("ui")
    (record,) = Path(os.environ["ANNOTATE_HOME"], "server").glob("[0-9]*.json")
    main = psutil.Process(json.loads(record.read_text())["pid"])
    time.sleep(3)
    measure("web server without a page", [main], seconds)
    connection = http.client.HTTPConnection("127.0.0.1", int(record.stem))
    connection.request("GET", f"/api/v1/experiments/{experiment}/events?since=")
    stream = connection.getresponse()
    threading.Thread(target=drain, args=[stream], daemon=True).start()
    time.sleep(3)
    measure("web server, one page open", [main], seconds)
    annotate("ui", "--stop")


def drain(stream):
    with contextlib.suppress(http.client.HTTPException, OSError, ValueError):
        while stream.readline():
            pass


def within(measured):
    with tempfile.TemporaryDirectory() as above:
        os.environ["ANNOTATE_HOME"] = str(Path(above, "home"))
        folder = Path(above, "code")
        folder.mkdir()
        (folder / "train.py").write_text(SCRIPT)
        (folder / "thinking.py").write_text(TUNER)
        os.chdir(folder)
        try:
            measured()
        finally:
            annotate("stop", "--all")
            os.chdir("/")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds

    def trial_and_server():
        experiment = driver("driver, one sleeping trial", seconds, 1)
        server(seconds, experiment)

    within(trial_and_server)
    two, own = ["--concurrency", "2"], ["--tuner", "thinking.py:Thinking", "--no-baseline"]
    within(lambda: driver("driver, two sleeping trials", seconds, 2, *two))
    fresh = [*two, "--fresh-process"]
    within(lambda: driver("driver, two trials in new processes", seconds, 2, *fresh))
    within(lambda: driver("driver that waits for its tuner", seconds, 0, *own))


if __name__ == "__main__":
    main()
