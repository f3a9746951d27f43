"""Learning tuners find better values than random search."""

import functools
import math

import pytest

import tuners
from annotate.space import SearchSpace

SEEDS = range(4)
#: Maps each tuner to a number of trials and the highest accepted mean regret after them, as a
#: share of random search's: the measured value plus a margin.
MEASURED = {
    "auto": (30, 0.25),
    "tpe": (60, 0.5),
    "anneal": (60, 0.5),
    "evolution": (60, 0.8),
    "gp": (30, 0.4),
    "metis": (30, 0.4),
    "smac": (40, 0.6),
    "cmaes": (60, 0.5),
}
SPACE = SearchSpace.from_json(
    {
        "lr": {"_type": "loguniform", "_value": [1e-6, 1]},
        "width": {"_type": "randint", "_value": [1, 200]},
        "drop": {"_type": "uniform", "_value": [0, 0.9]},
        "decay": {"_type": "normal", "_value": [0, 1]},
    }
)


def loss(values):
    return (
        (math.log10(values["lr"]) + 2) ** 2
        + ((values["width"] - 60) / 50) ** 2
        + 4 * (values["drop"] - 0.2) ** 2
        + (values["decay"] + 1) ** 2
    )


@functools.cache
def regret(name, trials, at_once=1):
    """The mean over seeds of the least loss; the optimum is 0."""
    return sum(least(name, seed, trials, at_once) for seed in SEEDS) / len(SEEDS)


def least(name, seed, trials, at_once):
    tuner = tuners.create(name, SPACE, seed=seed)
    results = []
    while len(results) < trials:
        asked = [tuner.ask() for _ in range(at_once)]
        for values in asked:
            results.append(loss(values))
            tuner.tell(values, results[-1])
    return min(results)


def test_every_learning_tuner_is_tested_here():
    learn = {a.name for a in tuners.TUNERS} - {"random", "grid", "batch"}
    learn -= {
        "hyperband",
        "bohb",
        "asha",
        "pbt",
    }  # they need curves: see benchmarks/early_stopping.py
    assert learn == {*MEASURED}


@pytest.mark.parametrize("name", MEASURED)
def test_learning_tuners_beat_random_search(name):
    trials, share = MEASURED[name]
    assert regret(name, trials) < share * regret("random", trials)


@pytest.mark.parametrize("name", ["auto", "tpe", "gp"])
def test_learning_tuners_beat_random_search_with_six_at_a_time(name):
    trials, share = MEASURED[name]
    assert regret(name, trials, at_once=6) < 1.2 * share * regret("random", trials)


@pytest.mark.parametrize("name", ["auto", "tpe", "evolution", "anneal"])
def test_the_best_option_of_a_choice_is_found(name):
    options = [{"_name": n, "x": {"_type": "uniform", "_value": [0, 1]}} for n in range(5)]
    space = SearchSpace.from_json({"a": {"_type": "choice", "_value": options}})
    hits = 0
    for seed in range(4):
        tuner = tuners.create(name, space, seed=seed)
        for _ in range(40):
            values = tuner.ask()
            hits += values["a"]["_name"] == 3
            tuner.tell(values, abs(values["a"]["_name"] - 3) + values["a"]["x"])
    assert hits > 1.3 * 4 * 40 / 5


@pytest.mark.parametrize("name", ["auto", "tpe", "gp"])
def test_tuners_leave_a_region_where_trials_fail(name):
    space = SearchSpace.from_json({"x": {"_type": "uniform", "_value": [0, 1]}})
    inside = 0
    for seed in SEEDS:
        tuner = tuners.create(name, space, seed=seed)
        for number in range(30):
            x = tuner.ask()["x"]
            inside += number >= 15 and x > 0.5
            tuner.tell({"x": x}, None if x > 0.5 else (x - 0.2) ** 2)
    assert inside < 0.35 * 15 * len(SEEDS)
