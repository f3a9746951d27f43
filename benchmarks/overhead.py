"""What a trial costs: a shell loop of bare `python`, and the same script under `annotate run`.

    python benchmarks/overhead.py [--python PATH] [--rounds 5] [--trials 20] [--scripts trivial ...]

Scripts do nothing but import, report, and end. The ways take turns in each round, so that a
machine which slows down slows all of them. Prints the median over the rounds of milliseconds a
trial from the end of the first trial to the end of the last (store, random tuner and progress
included), the ratio to the bare loop, and the median gap between two trials on one slot. `--python`
is the interpreter that runs the scripts; what it has not installed is left out, and so is Optuna
(a study whose objective spawns the script), where this interpreter has none.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from runtime.store import Store

SCRIPTS = {
    "trivial": "",
    "sklearn": "import numpy\nimport scipy.stats\nfrom sklearn.linear_model import Ridge\n",
    "torch": "import torch\n",
}
END = "x = 0.5  # @nni.uniform(0, 1)\n# @nni.report_final_result(x)\n"
OPTUNA = """\
import subprocess, sys, time, optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
ends = []
def objective(trial):
    subprocess.run([sys.argv[1], "train.py", str(trial.suggest_float("x", 0, 1))], check=True)
    ends.append(time.time())
    return 0.0
sampler = optuna.samplers.RandomSampler()
study = optuna.create_study(storage=f"sqlite:///{time.time()}.db", sampler=sampler)
study.optimize(objective, n_trials=int(sys.argv[2]), n_jobs=int(sys.argv[3]))
print((max(ends) - min(ends)) / (len(ends) - 1))
"""


def bare(folder, python, trials, concurrency):
    """Seconds a run of a shell loop, or of as many loops side by side."""
    loop = f'for n in $(seq {trials}); do "$0" train.py || exit 1; done'
    began = time.perf_counter()
    loops = [subprocess.Popen(["sh", "-c", loop, python], cwd=folder) for _ in range(concurrency)]
    assert all(process.wait() == 0 for process in loops)
    return (time.perf_counter() - began) / (trials * concurrency), None


def annotate(folder, python, trials, concurrency, *options):
    """Seconds a trial, and the gap between two on one slot."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as home:
        limits = ["--max-trials", str(trials + 1), "--concurrency", str(concurrency)]
        command = [sys.executable, "-m", "annotate", "run", "train.py", "--tuner", "random"]
        subprocess.run(
            [*command, *limits, "--python", python, *options],
            cwd=folder,
            env={**os.environ, "ANNOTATE_HOME": home},
            check=True,
            capture_output=True,
        )
        (path,) = Path(home).glob("experiments/*/experiment.db")
        with Store.open(path) as store:
            rows = store.trials()
    ends = sorted(row.ended for row in rows)
    gaps = [b.started - a.ended for a, b in pairwise(rows)]
    gap = statistics.median(gaps) if concurrency == 1 else None
    return (ends[-1] - ends[0]) / trials, gap


def optuna(folder, python, trials, concurrency):
    done = subprocess.run(
        [sys.executable, "-c", OPTUNA, python, str(trials + 1), str(concurrency)],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout), None


def ways():
    found = {
        "bare python": bare,
        "annotate run": annotate,
        "annotate run --fresh-process": lambda *a: annotate(*a, "--fresh-process"),
    }
    return {**found, "optuna, spawning": optuna} if find_spec("optuna") else found


def compare(folder, options, concurrency):
    measured = {name: [] for name in ways()}
    for _ in range(options.rounds):
        for name, way in ways().items():
            # A fork costs so little that few of them would say nothing.
            trials = options.trials if name == "annotate run" else max(3, options.trials // 5)
            measured[name].append(way(folder, options.python, trials, concurrency))
    base = statistics.median(seconds for seconds, _ in measured["bare python"])
    for name, pairs in measured.items():
        seconds = statistics.median(seconds for seconds, _ in pairs)
        ratio = f"1/{base / seconds:.0f}" if seconds < base / 10 else f"{seconds / base:.2f}"
        gaps = [gap for _, gap in pairs if gap is not None]
        gap = f"  gap {1000 * statistics.median(gaps):5.1f} ms" if gaps else ""
        print(f"  {name:30} {1000 * seconds:8.1f} ms  {ratio:>7} of bare{gap}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--scripts", nargs="+", choices=SCRIPTS, default=list(SCRIPTS))
    parser.add_argument("--concurrency", nargs="+", type=int, default=[1, 2])
    options = parser.parse_args()
    for name in options.scripts:
        with tempfile.TemporaryDirectory() as above:
            folder = Path(above, "code")
            folder.mkdir()
            (folder / "train.py").write_text(SCRIPTS[name] + END)
            alone = [options.python, folder / "train.py"]
            if subprocess.run(alone, capture_output=True).returncode:
                print(f"{name}: not installed for {options.python}")
                continue
            for concurrency in options.concurrency:
                print(f"{name}, {concurrency} at a time")
                compare(folder, options, concurrency)


if __name__ == "__main__":
    main()
