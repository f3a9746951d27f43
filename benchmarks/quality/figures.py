"""Evaluate the runs: ranks, regrets and their uncertainty."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from problems import problem

BUDGETS = (30, 50, 100)
_RESAMPLES = 1000


def regrets(rows, problems):
    """Map (tuner, problem, seed) to the regret at each budget, as a share of random's mean.

    Problems on which random search leaves no regret are skipped.
    """
    results = {}
    for which in problems:
        optimum = problem(which).optimum
        here = {key: row["curve"] for key, row in rows.items() if key[1] == which}
        at = {k: np.array([c[b - 1] for b in BUDGETS]) - optimum for k, c in here.items()}
        base = np.mean([regret for key, regret in at.items() if key[0] == "random"], axis=0)
        if np.all(base > 1e-12):
            results |= {key: np.maximum(regret, 0) / base for key, regret in at.items()}
    return results


def ranks(results, tuners):
    """The ranks of the tuners in each run that all of them did; 1 is best, ties share a rank."""
    from scipy.stats import rankdata

    together = defaultdict(dict)
    for (tuner, which, seed), regret in results.items():
        if tuner in tuners:
            together[which, seed][tuner] = regret
    table = [
        rankdata(np.round([each[t] for t in tuners], 9), axis=0)
        for each in together.values()
        if len(each) == len(tuners)
    ]
    return np.array(table).reshape(-1, len(tuners), len(BUDGETS))


def regrets_of(tuner, results):
    """Map each problem to the tuner's regrets, one row per seed."""
    seeds = defaultdict(list)
    for (name, which, _), regret in results.items():
        if name == tuner:
            seeds[which].append(regret)
    return {which: np.array(rows) for which, rows in seeds.items()}


def with_interval(by_problem, statistic, seed=0):
    """The mean over problems of `statistic` over seeds, and its 95 % bootstrap interval.

    Only seeds are resampled, so the interval holds for these problems.
    """
    rng = np.random.default_rng(seed)
    rows = list(by_problem.values())

    def mean_statistic(some):
        return np.mean([statistic(each, axis=0) for each in some], axis=0)

    resampled = [
        mean_statistic([each[rng.integers(len(each), size=len(each))] for each in rows])
        for _ in range(_RESAMPLES)
    ]
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    return mean_statistic(rows), low, high


def report(rows, problems, tuners):
    """Lines of a report: all problems together, then each kind."""
    kinds = {which: problem(which).kind for which in problems}
    yield "regret as a share of random's mean: median and mean over the seeds, mean over problems"
    for kind in ("all", "smooth", "real", "mixed"):
        chosen = [which for which in problems if kind in ("all", kinds[which])]
        results = regrets(rows, chosen)
        ran = [name for name in tuners if regrets_of(name, results)]
        if not ran:
            continue
        table = ranks(results, ran)
        yield f"\n{kind}: {len(chosen)} problems; ranks over {len(table)} runs that all tuners did"
        for number, name in enumerate(ran):
            yield f"  {name:18}" + _line(regrets_of(name, results), table[:, number])


def _line(mine, rank):
    median, *_ = with_interval(mine, np.median)
    mean, low, high = with_interval(mine, np.mean)
    parts = []
    for n, budget in enumerate(BUDGETS):
        place = f"{rank[:, n].mean():.2f}" if len(rank) else "none"
        parts.append(
            f"{budget}: {median[n]:.2f} {mean[n]:.2f} [{low[n]:.2f} {high[n]:.2f}] rank {place}"
        )
    seeds = min(len(rows) for rows in mine.values())
    return " | ".join(parts) + f" | {seeds} seeds"


def plot(rows, problems, tuners, path):
    """A page of curves: the median normalised regret after each trial, by kind."""
    from plotly.subplots import make_subplots

    kinds = ("smooth", "real", "mixed")
    figure = make_subplots(1, 3, subplot_titles=kinds, shared_yaxes=True)
    colours = [
        "#0b6e4f",
        "#c1121f",
        "#3a86ff",
        "#fb8500",
        "#8338ec",
        "#555555",
        "#00b4d8",
        "#9a031e",
    ]
    for column, kind in enumerate(kinds, 1):
        chosen = [which for which in problems if problem(which).kind == kind]
        for number, name in enumerate(tuners):
            curve = _curve(rows, chosen, name)
            if curve is None:
                continue
            line = {"color": colours[number % len(colours)], "width": 3 if name == "auto" else 1.5}
            figure.add_scatter(
                y=curve,
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                line=line,
                row=1,
                col=column,
            )
    figure.update_yaxes(title_text="regret, random's at the end = 1", type="log", col=1)
    figure.update_xaxes(title_text="trials")
    figure.write_html(path, include_plotlyjs=True)


def _curve(rows, problems, name):
    """The mean over problems of the median over seeds."""
    curves = []
    for which in problems:
        optimum = problem(which).optimum
        mine = [r["curve"] for k, r in rows.items() if k[:2] == (name, which)]
        base = [r["curve"][-1] for k, r in rows.items() if k[:2] == ("random", which)]
        if mine and base:
            curves.append((np.median(mine, axis=0) - optimum) / (np.mean(base) - optimum))
    return np.mean(curves, axis=0) if curves else None
