"""Importance against functions whose shares of variance are known."""

import math
from itertools import pairwise

import numpy as np
import pytest

from annotate.errors import AnnotateError
from annotate.space import SearchSpace
from tuners.geometry.cells import Cells
from tuners.importance.anova import LEAST, Importance
from tuners.importance.forest import Forest

UNIT = {"_type": "uniform", "_value": [0, 1]}
MIXED = {
    "a": UNIT,
    "b": {"_type": "loguniform", "_value": [1e-4, 1]},
    "c": {"_type": "choice", "_value": ["x", "y", "z"]},
    "idle": {"_type": "randint", "_value": [0, 5]},
}
NESTED = {
    "opt": {
        "_type": "choice",
        "_value": [
            {"_name": "adam"},
            {"_name": "sgd", "momentum": UNIT},
            {"_name": "rms", "momentum": UNIT},
        ],
    }
}


def learned(space, function, count=600, draw=None, seed=0):
    space = SearchSpace.from_json(space)
    rng = np.random.default_rng(3)
    values = [(draw or space.sample)(rng) for _ in range(count)]
    return Importance(space, [(v, function(v)) for v in values], seed=seed)


def shares(found):
    names = [side.coordinate.key for side in found.cells]
    effects = found.mains + found.pairs
    return {"*".join(names[n] for n in e.sides): e.share for e in effects}


def mixed(v):
    return 3 * v["a"] + 2 * (v["b"] > 0.01) * (v["c"] == "y")


def test_the_shares_of_a_known_function_are_found():
    importance = learned(MIXED, mixed)
    # Var(3a) = 3/4; of the product of two events with 1/2 and 1/3, times 2, 5/9 in all: 1/9 and
    # 2/9 alone, 2/9 together.
    total = 3 / 4 + 5 / 9
    known = {"a": 3 / 4, "b": 1 / 9, "c": 2 / 9, "b*c": 2 / 9, "idle": 0, "a*b": 0, "a*c": 0}
    given = shares(importance)
    for name, variance in known.items():
        assert given[name] == pytest.approx(variance / total, abs=0.04), name
    assert sum(given.values()) == pytest.approx(1, abs=0.03)
    assert importance.fit > 0.95
    assert [importance.cells[e.sides[0]].coordinate.key for e in importance.mains] == [
        "a",
        "c",
        "b",
        "idle",
    ]


def test_parameters_that_matter_only_together_have_their_share_as_a_pair():
    given = shares(learned({"a": UNIT, "b": UNIT}, lambda v: (v["a"] > 0.5) ^ (v["b"] > 0.5)))
    assert given["a"] < 0.05
    assert given["b"] < 0.05
    assert given["a*b"] > 0.9


def test_importance_does_not_depend_on_where_the_tuner_searched():
    def near(rng):
        return {"a": rng.random() if rng.random() < 0.3 else 0.9, "b": rng.random()}

    given = shares(learned({"a": UNIT, "b": UNIT}, lambda v: v["a"] + v["b"], draw=near))
    assert given["a"] == pytest.approx(0.5, abs=0.06)


def test_a_nested_parameter_is_weighted_by_how_often_it_exists():
    def result(v):
        of = v["opt"]
        return of["momentum"] if isinstance(of, dict) and of["_name"] == "sgd" else 0.0

    space = SearchSpace.from_json(NESTED)
    rng = np.random.default_rng(0)
    results = [(v, result(v)) for v in (space.sample(rng) for _ in range(600))]
    importance = Importance(space, results)
    opt, of_sgd, of_rms = range(3)
    along = importance.marginal(of_sgd).mean
    assert along[0] == pytest.approx(0, abs=0.05)
    assert along[-1] == pytest.approx(1, abs=0.05)
    assert np.ptp(importance.marginal(of_rms).mean) == pytest.approx(0, abs=1e-9)
    assert importance.marginal(opt).mean == pytest.approx([0, 0.5, 0], abs=0.03)
    # A third of the time momentum adds 1/12, of which a third is its effect alone.
    total = 1 / 3 * (1 / 12 + 1 / 4) - 1 / 36
    assert shares_of(importance, of_sgd) == pytest.approx(1 / 9 / 12 / total, abs=0.03)
    assert shares_of(importance, opt, of_sgd) == pytest.approx(2 / 9 / 12 / total, abs=0.04)


def shares_of(found, *sides):
    return next(e.share for e in found.mains + found.pairs if e.sides == sides)


def test_the_marginal_of_a_pair_has_the_shape_of_the_function():
    importance = learned(MIXED, mixed)
    over = importance.marginal(1, 2).mean
    assert over.shape == (32, 3)
    assert over[-1] == pytest.approx([1.5, 3.5, 1.5], abs=0.2)
    assert over[0] == pytest.approx([1.5, 1.5, 1.5], abs=0.2)
    assert importance.cells[1].edges[0] == pytest.approx(1e-4)
    assert importance.cells[1].logarithmic


def test_noise_is_not_predicted():
    rng = np.random.default_rng(0)
    assert learned(MIXED, lambda v: rng.normal(), 200).fit < 0.1


def test_one_outlier_does_not_dominate_the_variance():
    first = iter([1e30])
    importance = learned(MIXED, lambda v: next(first, mixed(v)))
    assert importance.far == 1
    assert shares(importance)["a"] > 0.4


def test_shares_do_not_depend_on_the_unit_of_the_results():
    def centred(values):
        return mixed(values) / 3 - 0.8

    usual = learned(MIXED, centred, count=60)
    huge = learned(MIXED, lambda values: math.ldexp(centred(values), 1023), count=60)
    assert shares(usual) == shares(huge)
    expected, marginal = usual.marginal(0), huge.marginal(0)
    assert np.ldexp(marginal.mean, -1023) == pytest.approx(expected.mean)
    assert np.ldexp(marginal.spread, -1023) == pytest.approx(expected.spread)


def test_the_same_seed_gives_the_same_shares():
    first, other = (shares(learned(MIXED, mixed, 100, seed=5)) for _ in range(2))
    assert first == other
    assert shares(learned(MIXED, mixed, 100, seed=6)) != first


def test_too_few_equal_or_outside_results_raise_an_error():
    with pytest.raises(AnnotateError, match=f"{LEAST} results; {LEAST - 1} lie"):
        learned(MIXED, mixed, LEAST - 1)
    with pytest.raises(AnnotateError, match="are equal"):
        learned(MIXED, lambda v: 1.0, 50)
    with pytest.raises(AnnotateError, match="no parameters"):
        learned({}, lambda v: 1.0, 50)
    space = SearchSpace.from_json({"a": UNIT})
    results = [({"a": n / 20}, n) for n in range(20)] + [({"a": 7.0}, 0), ({}, 0)]
    assert Importance(space, results).outside == 2


@pytest.mark.parametrize(
    "domain",
    [
        ("normal", [0, 1]),
        ("qnormal", [0, 10, 5]),
        ("lognormal", [0, 1]),
        ("qlognormal", [0, 1, 0.5]),
        ("quniform", [0, 10, 3]),
        ("qloguniform", [1, 100, 4]),
        ("randint", [3, 4]),
        ("randint", [0, 1000]),
        ("choice", [["a", 1], None, True, 1]),
        ("choice", ["only"]),
    ],
    ids=str,
)
def test_every_domain_has_cells_of_equal_probability(domain):
    space = SearchSpace.from_json({"v": {"_type": domain[0], "_value": domain[1]}, "u": UNIT})
    cells = Cells(space)
    rng = np.random.default_rng(0)
    rows = cells.rows(space.sample(rng) for _ in range(3000))
    assert rows[:, 0].max() < cells[0].span.stop <= rows[:, 1].min()
    edges = cells[0].edges
    assert all(math.isfinite(edge) for edge in edges)
    assert all(low < high for low, high in pairwise(edges))
    if domain[0] in ("normal", "lognormal", "choice"):
        counts = np.bincount(rows[:, 0], minlength=cells[0].count)[: cells[0].count]
        assert counts.min() > 0.5 * counts.max()


def test_a_forest_predicts_as_well_as_scikit_learns():
    ensemble = pytest.importorskip("sklearn.ensemble")
    space = SearchSpace.from_json(dict.fromkeys("abcd", UNIT))
    rng = np.random.default_rng(0)
    values = [space.sample(rng) for _ in range(1000)]
    points = np.array([list(v.values()) for v in values])
    y = np.sin(6 * points[:, 0]) + 4 * points[:, 1] * points[:, 2] + 0.1 * rng.normal(size=1000)
    cells = Cells(space)
    rows = cells.rows(values)
    ours = Forest(cells, rows[:500], y[:500], seed=0)
    predicted = np.mean([tree.predict(rows[500:]) for tree in ours.trees], axis=0)
    peer = ensemble.RandomForestRegressor(24, min_samples_leaf=3, random_state=0)
    theirs = peer.fit(points[:500], y[:500]).predict(points[500:])
    assert np.mean((predicted - y[500:]) ** 2) < 1.15 * np.mean((theirs - y[500:]) ** 2)
