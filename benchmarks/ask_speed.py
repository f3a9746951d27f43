"""Measure the cost of an ask: our tuners, hyperopt's and Optuna's, by history and dimensions.

    python benchmarks/ask_speed.py [--trials 20 200 1000 5000] [--dimensions 5 20] [--limit 120]

Every tuner is told the same random draws, and then asked and told ten times. Prints the median CPU
milliseconds per ask. If the asks exceed `--limit` seconds in total, fewer are measured.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "quality"))

import peers
from problem import Problem, choice, log, uniform, whole

ASKS = 10
TUNERS = ("random", "tpe", "auto", "hyperopt-tpe", "optuna-tpe", "optuna-gp")


def loss(values):
    """A bowl whose lowest point is near the middle of each parameter."""
    numbers = [len(v) if isinstance(v, str) else float(v) for v in values.values()]
    return float(np.sum((np.array(numbers) - 0.3) ** 2))


def mixed(dimensions):
    """A space in which, of five parameters, three are uniform, one logarithmic, one discrete."""
    kinds = [uniform(0, 1), uniform(0, 1), log(1e-3, 1), uniform(0, 1)]
    last = [choice("a", "bb", "ccc"), whole(0, 9)]
    space = {f"x{n}": last[n // 5 % 2] if n % 5 == 4 else kinds[n % 5] for n in range(dimensions)}
    return Problem("bowl", "mixed", space, loss, 0.0)


def taught_tuner(name, problem, trials):
    """Create a tuner and tell it `trials` random draws."""
    tuner = peers.tuner(name, problem, 0, trials + ASKS)
    rng = np.random.default_rng(0)
    space = problem.space
    for _ in range(trials):
        values = space.sample(rng)
        tuner.learn(values, problem.loss(values))
    return tuner


def measure(name, problem, trials, limit):
    """Median milliseconds per ask; of fewer asks if they take longer than `limit` seconds."""
    began = time.monotonic()
    tuner = taught_tuner(name, problem, trials)
    milliseconds = []
    for _ in range(ASKS):
        start = time.process_time()
        values = tuner.ask()
        milliseconds.append(1000 * (time.process_time() - start))
        tuner.tell(values, problem.loss(values))
        if time.monotonic() - began > limit:
            break
    return statistics.median(milliseconds)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, nargs="+", default=[20, 200, 1000, 5000])
    parser.add_argument("--dimensions", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--tuners", nargs="+", default=TUNERS)
    parser.add_argument("--limit", type=float, default=120, help="seconds for a tuner's asks")
    options = parser.parse_args()
    for dimensions in options.dimensions:
        print(f"{dimensions} parameters; ms of CPU time per ask after {options.trials} trials")
        for name in options.tuners:
            print(f"  {name:14}", end="", flush=True)
            for trials in options.trials:
                milliseconds = measure(name, mixed(dimensions), trials, options.limit)
                print(f"{milliseconds:10.2f}", end="", flush=True)
            print()


if __name__ == "__main__":
    main()
