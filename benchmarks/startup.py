"""Measure start-up: `annotate --help`, and `annotate run` up to the first line of trial 0.

    python benchmarks/startup.py [--runs 11]

Measurements alternate, A B A B, so a slowdown of the machine affects all of them. Prints medians
in milliseconds, the fastest run in brackets, and ratios.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ANNOTATE = [sys.executable, "-m", "annotate"]
SCRIPT = """\
import time
print(time.time(), flush=True)
x = 0.5  # @nni.uniform(0, 1)
# @nni.report_final_result(x)
"""


def whole(command, folder):
    """Milliseconds from start to end."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return 1000 * (time.perf_counter() - began)


def first_line(folder, tuner):
    """Milliseconds from the start to the first line of trial 0."""
    home = tempfile.mkdtemp(dir=folder)
    began = time.time()
    subprocess.run(
        [*ANNOTATE, "run", "train.py", "--max-trials", "1", "--tuner", tuner],
        cwd=folder,
        env={**os.environ, "ANNOTATE_HOME": home},
        check=True,
        capture_output=True,
    )
    (stdout,) = Path(home).glob("experiments/*/trials/0/stdout")
    return 1000 * (float(stdout.read_text()) - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "train.py").write_text(SCRIPT)
        measures = {
            "python -c pass": lambda: whole([sys.executable, "-c", "pass"], folder),
            "annotate --help": lambda: whole([*ANNOTATE, "--help"], folder),
            "annotate check train.py": lambda: whole([*ANNOTATE, "check", "train.py"], folder),
            "run, to trial 0 (random)": lambda: first_line(folder, "random"),
            "run, to trial 0 (auto)": lambda: first_line(folder, "auto"),
        }
        times = {name: [] for name in measures}
        for turn in range(runs + 1):
            for name, measure in measures.items():
                milliseconds = measure()
                if turn:  # the first turn warms the caches
                    times[name].append(milliseconds)
    base = statistics.median(times["python -c pass"])
    for name, milliseconds in times.items():
        median = statistics.median(milliseconds)
        print(f"{name:26s} {median:7.0f} ms  ({min(milliseconds):.0f})  {median / base:5.1f} x")


if __name__ == "__main__":
    main()
