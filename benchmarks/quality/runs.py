"""One run of a tuner on a problem, and the file of all runs."""

from __future__ import annotations

import json
import math
import statistics
import time

import numpy as np
import peers
from problems import problem
from tables import CACHE

from tuners import Exhausted

RESULTS = CACHE / "results.jsonl"


def run(name, of, seed, trials, make=peers.tuner):
    """The best loss so far, without noise, after each trial, and the milliseconds per ask."""
    tuner = make(name, of, seed, trials)
    noise = np.random.default_rng((seed, 99))
    best, best_observed, curve, asking = math.nan, math.inf, [], []
    for _ in range(trials):
        began = time.perf_counter()
        try:
            values = tuner.ask()
        except Exhausted:
            break
        asking.append(time.perf_counter() - began)
        loss = of.loss(values)
        observed = None if loss is None else float(loss + of.noise * noise.standard_normal())
        tuner.tell(values, observed)
        if observed is not None and observed < best_observed:
            best, best_observed = float(loss), observed
        curve.append(best)
    if hasattr(tuner, "close"):
        tuner.close()
    curve += curve[-1:] * (trials - len(curve))
    return {
        "curve": [float(f"{x:.9g}") for x in curve],
        "ms": 1000 * statistics.median(asking[10:]),
    }


def read(path=RESULTS):
    """All stored runs; the last one of each tuner, problem and seed."""
    runs = {}
    if path.exists():
        for line in path.read_text().splitlines():
            row = json.loads(line)
            runs[row["tuner"], row["problem"], row["seed"]] = row
    return runs


def fill(tuners, problems, seeds, trials, path=RESULTS, make=peers.tuner):
    """Do the missing runs, seed by seed, and append them to the file; safe to interrupt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done = read(path)
    for seed in range(seeds):
        for which in problems:
            for name in tuners:
                key = (name, which, seed)
                if key in done and len(done[key]["curve"]) >= trials:
                    continue
                began = time.monotonic()
                row = {"tuner": name, "problem": which, "seed": seed}
                row |= run(name, problem(which), seed, trials, make)
                with path.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(
                    f"{name} on {which}, seed {seed}: {time.monotonic() - began:.1f} s", flush=True
                )
