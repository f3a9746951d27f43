"""Real tuning tasks on data sets that ship with scikit-learn.

Each is small, so a trial takes milliseconds. The loss is the error of a cross-validation or of a
validation set. `levels` is the number of steps for each continuous parameter, so that the whole
task can be tabulated and its smallest loss is known.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from problem import choice, log, option, steps, uniform, whole


@dataclass(frozen=True, slots=True)
class Task:
    """A search space for a scikit-learn model; `levels` by parameter key, 1 for no rounding."""

    name: str
    json: dict[str, Any]
    error: Callable[[Mapping[str, Any]], float]
    levels: Mapping[str, int] = field(default_factory=dict)


@functools.cache
def data_set(name, rows):
    """A standardised data set, shuffled with a fixed seed."""
    from sklearn import datasets
    from sklearn.preprocessing import scale

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    order = np.random.default_rng(7).permutation(len(y))[:rows]
    target = (y - y.mean()) / y.std() if name == "diabetes" else y
    return scale(x)[order], target[order]


@functools.cache
def generated(name, rows, **options):
    """A generated data set, standardised."""
    from sklearn import datasets
    from sklearn.preprocessing import scale

    x, y = getattr(datasets, f"make_{name}")(n_samples=rows, random_state=7, **options)
    return scale(x), (scale(y) if y.dtype.kind == "f" and len(set(y)) > 5 else y)


def error(model, data, folds=3, score=None, worst=1.5):
    """1 - accuracy, or 1 - R2 for regression, at most `worst`; cross-validated.

    `score` is scikit-learn's name of another measure, if given.
    """
    from sklearn.metrics import check_scoring

    x, y = data
    measure = check_scoring(model, score)
    scores = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for fold in range(folds):
            held = np.arange(len(y)) % folds == fold
            try:
                scores.append(measure(model.fit(x[~held], y[~held]), x[held], y[held]))
            except ValueError as mistake:
                if "parameter of" in str(mistake):
                    raise  # a bug of ours; all other errors are weights that diverged
                scores.append(1.0 - worst)
    mean = float(np.nan_to_num(np.mean(scores), nan=-np.inf))
    return round(1.0 - max(mean, 1.0 - worst), 6)


def nested(values, key):
    """Split a nested choice into its option's name and its children."""
    choice = values[key]
    if not isinstance(choice, dict):
        return choice, {}
    return choice["_name"], {k: v for k, v in choice.items() if k != "_name"}


def svm_digits(values):
    from sklearn.svm import SVC

    kernel, children = nested(values, "kernel")
    return error(SVC(C=values["C"], kernel=kernel, **children), data_set("digits", 300), 2)


def tree_cancer(values):
    from sklearn.tree import DecisionTreeClassifier

    return error(DecisionTreeClassifier(random_state=0, **values), data_set("breast_cancer", 400))


def boosting_diabetes(values):
    from sklearn.ensemble import GradientBoostingRegressor

    return error(GradientBoostingRegressor(random_state=0, **values), data_set("diabetes", 300), 2)


def network_digits(values):
    from sklearn.neural_network import MLPClassifier

    kwargs = dict(values)
    width = kwargs.pop("width")
    model = MLPClassifier(
        hidden_layer_sizes=(width,), max_iter=8, solver="sgd", random_state=0, **kwargs
    )
    return error(model, data_set("digits", 400), 2)


def neighbours_wine(values):
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline

    kwargs = dict(values)
    parts = PCA(kwargs.pop("components"), whiten=kwargs.pop("whiten"), random_state=0)
    return error(make_pipeline(parts, KNeighborsClassifier(**kwargs)), data_set("wine", 178))


_GAMMA = log(1e-5, 1)
_POLYNOMIAL = option("poly", gamma=_GAMMA, degree=whole(2, 4), coef0=uniform(0, 1))

WORKING = (
    Task(
        "svm-digits",
        {
            "C": log(1e-3, 1e3),
            "kernel": choice("linear", option("rbf", gamma=_GAMMA), _POLYNOMIAL),
        },
        svm_digits,
        {"C": 19, "gamma": 16, "coef0": 4},
    ),
    Task(
        "tree-cancer",
        {
            "max_depth": whole(1, 8),
            "min_samples_leaf": choice(1, 2, 4, 8, 16, 32),
            "max_features": steps(0.1, 1.0, 0.1),
            "criterion": choice("gini", "entropy", "log_loss"),
            "ccp_alpha": log(1e-5, 0.1),
        },
        tree_cancer,
        {"ccp_alpha": 6},
    ),
    Task(
        "boosting-diabetes",
        {
            "learning_rate": log(0.01, 1),
            "n_estimators": choice(10, 20, 40),
            "max_depth": whole(1, 5),
            "subsample": steps(0.4, 1.0, 0.2),
            "min_samples_leaf": choice(1, 3, 10, 30),
        },
        boosting_diabetes,
        {"learning_rate": 11},
    ),
    Task(
        "network-digits",
        {
            "learning_rate_init": log(1e-4, 1),
            "width": choice(8, 16, 32, 64),
            "batch_size": choice(16, 32, 64),
            "alpha": log(1e-5, 1),
            "momentum": choice(0.0, 0.9),
            "activation": choice("relu", "tanh", "logistic"),
        },
        network_digits,
        {"learning_rate_init": 13, "alpha": 3},
    ),
    Task(
        "neighbours-wine",
        {
            "n_neighbors": whole(1, 20),
            "p": uniform(1, 4),
            "weights": choice("uniform", "distance"),
            "components": whole(1, 13),
            "whiten": choice(True, False),
        },
        neighbours_wine,
        {"p": 4},
    ),
)
