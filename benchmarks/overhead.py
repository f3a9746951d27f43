"""Measure the cost of a trial: a shell loop of plain `python`, `annotate run`, and others.

    python benchmarks/overhead.py [--python PATH] [--rounds 5] [--trials 50] [--scripts trivial ...]
                                  [--guild COMMAND] [--ray-python PATH]

Scripts only import, report and exit. The methods take turns in each round, so a slowdown of the
machine affects all of them. Prints the median over the rounds of the milliseconds per trial, from
the end of the first trial to the end of the last (including store, random tuner and progress), the
ratio to the plain loop, and the median gap between two trials on one slot. `--python` is the
interpreter for the scripts of the loop, of Annotate and of Optuna (a study whose objective spawns
the script). Guild AI runs a batch with its own interpreter, and Ray Tune runs the script in its
workers, with `--ray-python`. A method that is not installed is skipped with a message.

All files are kept until the end, on the disk of TMPDIR, because ext4 without a journal creates
files slowly for minutes after many were deleted.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
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
study = optuna.create_study(storage=f"sqlite:///{sys.argv[4]}/{time.time()}.db", sampler=sampler)
study.optimize(objective, n_trials=int(sys.argv[2]), n_jobs=int(sys.argv[3]))
print((max(ends) - min(ends)) / (len(ends) - 1))
"""
RAY = """\
import os, runpy, sys, time, ray
from ray import tune
path, trials, most = os.path.abspath("train.py"), int(sys.argv[1]), int(sys.argv[2])
def objective(values):
    runpy.run_path(path, run_name="__main__")
    return {"ended": time.time()}
ray.init(num_cpus=most, include_dashboard=False, configure_logging=False)
results = tune.Tuner(
    objective,
    param_space={"x": tune.uniform(0, 1)},
    tune_config=tune.TuneConfig(num_samples=trials, max_concurrent_trials=most),
    run_config=tune.RunConfig(storage_path=sys.argv[3], verbose=0),
).fit()
ends = [result.metrics["ended"] for result in results]
print((max(ends) - min(ends)) / (trials - 1))
"""


def bare(folder, options, trials, concurrency):
    """Seconds per run of a shell loop, with `concurrency` loops side by side."""
    loop = f'for n in $(seq {trials}); do "$0" train.py || exit 1; done'
    command = ["sh", "-c", loop, options.python]
    began = time.perf_counter()
    loops = [subprocess.Popen(command, cwd=folder) for _ in range(concurrency)]
    assert all(process.wait() == 0 for process in loops)
    return (time.perf_counter() - began) / (trials * concurrency), None


def annotate(folder, options, trials, concurrency, *extra):
    """Seconds per trial, and the gap between two trials on one slot."""
    home = tempfile.mkdtemp(dir=folder.parent)
    limits = ["--max-trials", str(trials + 1), "--concurrency", str(concurrency)]
    command = [sys.executable, "-m", "annotate", "run", "train.py", "--tuner", "random"]
    output_of([*command, *limits, "--python", options.python, *extra], folder, ANNOTATE_HOME=home)
    (path,) = Path(home).glob("experiments/*/experiment.db")
    with Store.open(path) as store:
        rows = store.trials()
    ends = sorted(row.ended for row in rows)
    gaps = [b.started - a.ended for a, b in pairwise(rows)]
    gap = statistics.median(gaps) if concurrency == 1 else None
    return (ends[-1] - ends[0]) / trials, gap


def annotate_fresh(folder, options, trials, concurrency):
    return annotate(folder, options, trials, concurrency, "--fresh-process")


def optuna(folder, options, trials, concurrency):
    command = [sys.executable, "-c", OPTUNA, options.python, str(trials + 1), str(concurrency)]
    return float(output_of([*command, folder.parent], folder)), None


def guild(folder, options, trials, concurrency):
    """Seconds per trial in `concurrency` batches side by side, each with its own home."""
    values = ",".join(str(n / (trials + 1)) for n in range(trials + 1))
    command = [options.guild, "run", "train.py", f"x=[{values}]", "-y"]
    homes = [tempfile.mkdtemp(dir=folder.parent) for _ in range(concurrency)]
    batches = [
        subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "GUILD_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for home in homes
    ]
    assert all(process.wait() == 0 for process in batches)
    runs = [run for home in homes for run in Path(home, "runs").glob("*/.guild")]
    trial_runs = [run for run in runs if not (run / "proto").exists()]  # not the batch's own
    ends = sorted(int((run / "attrs" / "stopped").read_text()) / 1e6 for run in trial_runs)
    return (ends[-1] - ends[0]) / (len(ends) - 1), None


def ray(folder, options, trials, concurrency):
    storage = tempfile.mkdtemp(dir=folder.parent)
    command = [options.ray_python, "-c", RAY, str(trials + 1), str(concurrency), storage]
    return float(output_of(command, folder).splitlines()[-1]), None


def output_of(command, folder, **environment):
    """Run a command that must succeed, and return its output."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ).stdout


def installed_methods(options):
    """The methods to compare; prints which ones are not installed."""
    methods = {
        "bare python": bare,
        "annotate run": annotate,
        "annotate run --fresh-process": annotate_fresh,
    }
    others = {
        "Optuna, spawning": (optuna, has_module("optuna", sys.executable), "for this interpreter"),
        "Guild AI": (guild, options.guild, "(--guild COMMAND)"),
        "Ray Tune": (ray, has_module("ray", options.ray_python), "(--ray-python PATH)"),
    }
    for name, (method, is_installed, where) in others.items():
        if is_installed:
            methods[name] = method
        else:
            print(f"{name} is not installed {where}")
    return methods


def has_module(module, python):
    code = f"from importlib.util import find_spec; assert find_spec({module!r})"
    return subprocess.run([python, "-c", code], stderr=subprocess.DEVNULL).returncode == 0


def compare(folder, methods, options, concurrency):
    measured = {name: [] for name in methods}
    for _ in range(options.rounds):
        for name, method in methods.items():
            # Forked trials are so fast that a few of them would not give a stable number.
            trials = options.trials if name == "annotate run" else max(3, options.trials // 5)
            measured[name].append(method(folder, options, trials, concurrency))
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
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--scripts", nargs="+", choices=SCRIPTS, default=list(SCRIPTS))
    parser.add_argument("--concurrency", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--guild", default=shutil.which("guild"), metavar="COMMAND")
    parser.add_argument("--ray-python", default=sys.executable, metavar="PATH")
    options = parser.parse_args()
    methods = installed_methods(options)
    with tempfile.TemporaryDirectory() as above:
        for name in options.scripts:
            folder = Path(above, name, "code")
            folder.mkdir(parents=True)
            (folder / "train.py").write_text(SCRIPTS[name] + END)
            alone = [options.python, folder / "train.py"]
            if subprocess.run(alone, capture_output=True).returncode:
                print(f"{name}: not installed for {options.python}")
                continue
            for concurrency in options.concurrency:
                print(f"{name}, {concurrency} at a time")
                compare(folder, methods, options, concurrency)


if __name__ == "__main__":
    main()
