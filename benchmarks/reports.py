"""Measure how a trial with a million intermediate results affects the driver and other trials.

    python benchmarks/reports.py [--reports 1000 1000000] [--assessor medianstop]

Two trials run side by side. One reports through `nni`, or writes the same lines to its file at
once; the other reports ten times per second. Prints for each case: the seconds that the first trial
reports, the seconds from then until everything is stored and the trial has ended, the driver's peak
memory (MiB), and the milliseconds (median and worst, polled ten times per second) until a report of
the second trial is stored and until the driver answers a request.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from annotate.errors import AnnotateError
from runtime.core import requests
from runtime.core.paths import ExperimentFolder
from runtime.store import Store

SCRIPT = """\
import os, time
import nni
role = "many"  # @nni.choice("many", "few")
count, began = int(os.environ["REPORTS"]), time.time()
if role == "many":
    if os.environ["BY"] == "nni":
        for step in range(count):
            nni.report_intermediate_result(step)
    else:
        with open(os.environ["NNI_SYS_DIR"] + "/metrics.jsonl", "a") as file:
            for step in range(count):
                file.write(f'{{"type": "intermediate", "value": {step}, "time": {began}}}\\n')
    print(began, time.time())
    open("done", "w").close()
while role == "few" and not os.path.exists("done"):
    nni.report_intermediate_result(time.time())
    time.sleep(0.1)
nni.report_final_result(0)
"""
MANY, FEW = 0, 1  # the trials' numbers


def store_delays(place, over, seconds):
    """Append to `seconds` how long each report of the second trial took to become visible."""
    count = 0
    with Store.open(place.store) as store:
        while not over.wait(0.01):
            if store.trials()[FEW].reports > count:
                new = list(store.reports(FEW))[count:]
                count += len(new)
                seconds += [time.time() - reported for reported in new]


def answer_delays(place, over, seconds):
    """Append to `seconds` how long the driver took to answer a request that changes nothing."""
    while not over.wait(0.01):
        began = time.monotonic()
        with suppress(AnnotateError):  # it has ended
            requests.ask(place, "concurrency", value=2)
            seconds.append(time.monotonic() - began)


def measure(folder, reports, by, options):
    home = Path(tempfile.mkdtemp(dir=folder.parent))
    (folder / "done").unlink(missing_ok=True)
    command = [sys.executable, "-m", "annotate", "run", "train.py", "--tuner", "grid"]
    assessor = ["--assessor", options.assessor] if options.assessor else []
    process = subprocess.Popen(
        [*command, "--no-baseline", "--concurrency", "2", *assessor],
        cwd=folder,
        env={**os.environ, "ANNOTATE_HOME": str(home), "REPORTS": str(reports), "BY": by},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (files := list(home.glob(f"experiments/*/trials/{FEW}/stdout"))):
        time.sleep(0.01)
    place, over = ExperimentFolder(files[0].parents[2]), threading.Event()
    delays, answers = [], []
    watches = [
        threading.Thread(target=store_delays, args=(place, over, delays)),
        threading.Thread(target=answer_delays, args=(place, over, answers)),
    ]
    for watch in watches:
        watch.start()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    over.set()
    for watch in watches:
        watch.join()
    show(place, reports, by, used.ru_maxrss / 1024, delays, answers)


def show(place, reports, by, memory, delays, answers):
    began, ended = map(float, place.trial(MANY).stdout.read_text().split())
    with Store.open(place.store) as store:
        trial = store.trials()[MANY]
    assert trial.reports == reports, trial
    print(
        f"{reports:9,} by {by:4}  {ended - began:6.1f} s + {trial.ended - ended:4.1f} s"
        f"  {memory:5.0f} MiB  kept {spread(delays)}  answered {spread(answers)}",
        flush=True,
    )


def spread(seconds):
    if not seconds:
        return "     -"
    return f"{1000 * statistics.median(seconds):4.0f} {1000 * max(seconds):5.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--assessor", help="one that judges every result")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above, "code")
        folder.mkdir()
        (folder / "train.py").write_text(SCRIPT)
        for reports in options.reports:
            for by in ("nni", "file"):
                measure(folder, reports, by, options)


if __name__ == "__main__":
    main()
