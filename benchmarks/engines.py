"""Measure what a trial costs on other machines, over a fork here and over a new process here.

    python benchmarks/engines.py [--hosts alpha*4,beta*4] [--trials 100] [--runs 3] [--script torch]
    python benchmarks/engines.py --slurm [partition=work] --ray [auto]

Without --hosts it starts two SSH servers on this machine (as root, with sshd installed), with
--slurm alone, a Slurm of two nodes besides, and with --ray alone, a Ray cluster of two nodes: then
only the way to the trial differs, and everything shares the same cores. With Slurm, trials run in
two pilots, and each in a job of its own; an empty job writes a file. Runs alternate, A B A B, with
eight trials at a time. The cost of a trial is the time from the first end to the last, over the
number of trials. "Before" is the time from the first trial's creation to the first end: connecting,
shipping and the first fork. Prints medians in milliseconds, the fastest run in brackets, and
ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

ANNOTATE = [sys.executable, "-m", "annotate_hpo"]
REPORT = """\
x = 0.5  # @nni.uniform(0, 1)
# @nni.report_final_result(x)
"""
SCRIPTS = {"plain": REPORT, "numpy": "import numpy\n" + REPORT, "torch": "import torch\n" + REPORT}

SLOW = ("new process", "Slurm jobs", "empty job")  # ways that run a tenth of the trials


def cost(folder, trials, environment, *words):
    """Milliseconds per trial, and before the first end."""
    home = tempfile.mkdtemp(dir=folder)
    command = [*ANNOTATE, "run", "train.py", "--max-trials", str(trials), "--tuner", "random"]
    done = subprocess.run(
        [*command, "--no-baseline", "--json", *words],
        cwd=folder,
        env={**environment, "ANNOTATE_HOME": home},
        check=True,
        capture_output=True,
    )
    ran = json.loads(done.stdout)["trials"]
    assert all(trial["state"] == "SUCCEEDED" for trial in ran)
    ends = [trial["ended"] for trial in ran]
    before = min(ends) - min(trial["created"] for trial in ran)
    return 1000 * (max(ends) - min(ends)) / trials, 1000 * before


@contextmanager
def own_hosts(folder):
    """Two SSH servers on this machine; yields their names and an environment that knows them."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.runtime.executors.ssh import servers

    hosts, home = servers.make(Path(folder), ["alpha", "beta"])
    for host in hosts:
        host.start()
    try:
        yield "alpha*4,beta*4", {**os.environ, "HOME": str(home)}
    finally:
        for host in hosts:
            host.stop()


@contextmanager
def given_hosts(names):
    yield names, dict(os.environ)


@contextmanager
def own_slurm(folder):
    """A Slurm of two nodes on this machine; yields an environment that knows it."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.runtime.executors.slurm.cluster import Cluster

    cluster = Cluster(Path(folder, "slurm"))
    cluster.folder.mkdir()
    cluster.write()
    try:
        for name in ("slurmctld", "n1", "n2"):
            cluster.start(name)
        cluster.wait_for_nodes()
        yield cluster.variables
    finally:
        cluster.close()


def empty_job(options, jobs, environment, folder):
    """Milliseconds for an empty batch job, eight at a time, and before the first end."""
    words = [f"--{word}" for word in options.split(",") if word]
    began = time.monotonic()

    def run(number):
        mark = Path(tempfile.mktemp(dir=folder))
        command = ["sbatch", *words, "--output=/dev/null", f"--wrap=touch '{mark}'"]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        while not mark.exists():
            time.sleep(0.01)
        return time.monotonic()

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(run, range(jobs)))
    return 1000 * (max(ends) - min(ends)) / jobs, 1000 * (min(ends) - began)


@contextmanager
def own_cluster():
    """A Ray cluster of two nodes on this machine; yields its address."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.runtime.executors.ray.cluster import Cluster

    cluster = Cluster()
    try:
        cluster.start()
        yield cluster.address
    finally:
        cluster.stop()


@contextmanager
def ways_to_trials(args, folder):
    """The options of each way by its name, and the environment for them."""
    with ExitStack() as stack:
        hosts = given_hosts(args.hosts) if args.hosts else own_hosts(folder)
        names, environment = stack.enter_context(hosts)
        ways = {"fork": ["--concurrency", "8"], "SSH": ["--hosts", names]}
        if args.slurm is not None:
            if not args.slurm:
                environment |= stack.enter_context(own_slurm(folder))
            options = args.slurm or "time=30"
            ways["Slurm pilots"] = ["--slurm", f"{options},pilots=2,slots=4"]
            ways["Slurm jobs"] = ["--slurm", options, "--concurrency", "8"]
            ways["empty job"] = [options]
        if args.ray is not None:
            address = args.ray or stack.enter_context(own_cluster())
            ways["Ray"] = ["--ray", address, "--concurrency", "8"]
        ways["new process"] = ["--concurrency", "8", "--fresh-process"]
        yield ways, environment


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts")
    parser.add_argument("--slurm", nargs="?", const="", metavar="K=V,...")
    parser.add_argument("--ray", nargs="?", const="", metavar="ADDRESS")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--script", choices=SCRIPTS, default="plain")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "project").mkdir()
        Path(folder, "project", "train.py").write_text(SCRIPTS[args.script])
        with ways_to_trials(args, folder) as (ways, environment):
            results = {name: [] for name in ways}
            for _ in range(args.runs):
                for name, words in ways.items():
                    trials = max(8, args.trials // 10) if name in SLOW else args.trials
                    where = Path(folder, "project")
                    if name == "empty job":
                        results[name].append(empty_job(*words, trials, environment, where))
                    else:
                        results[name].append(cost(where, trials, environment, *words))
    fork = statistics.median(each for each, _ in results["fork"])
    print(f"{'a trial, ' + args.script:<16} {'median ms':>16} {'of a fork':>10} {'before ms':>10}")
    for name, runs in results.items():
        costs = [each for each, _ in runs]
        median, before = statistics.median(costs), statistics.median(b for _, b in runs)
        print(f"{name:<16} {median:8.1f} ({min(costs):.1f}) {median / fork:9.2f}x {before:10.0f}")


if __name__ == "__main__":
    main()
