"""The densities and the Gaussian process that learning tuners use."""

import itertools

import numpy as np
import pytest
from scipy.optimize import check_grad

import tuners
from annotate.space import SearchSpace
from tuners.auto.tuner import Auto
from tuners.fresh import Result
from tuners.gaussian import GaussianProcess
from tuners.geometry.coordinates import Coordinates
from tuners.geometry.cube import Cube
from tuners.gp import log_improvement
from tuners.parzen import Parzen
from tuners.surrogate import Surrogate, compress


def observed(space, count, seed=0):
    rng = np.random.default_rng(seed)
    coordinates = Coordinates(space)
    rows = [list(coordinates.levels(space.sample(rng)).values()) for _ in range(count)]
    return np.array(rows).reshape(count, len(coordinates))


@pytest.mark.parametrize("count", [0, 1, 2, 9, 60])
def test_a_parzen_estimate_of_a_finite_space_sums_to_one(count):
    space = SearchSpace.from_json(
        {
            "c": {"_type": "choice", "_value": ["a", "b", "c"]},
            "n": {"_type": "randint", "_value": [-2, 5]},
            "q": {"_type": "quniform", "_value": [0, 9, 2]},
            "l": {"_type": "qloguniform", "_value": [1, 20, 4]},
        }
    )
    coordinates = Coordinates(space)
    rows = [list(coordinates.levels(values).values()) for values in space.walk()]
    density = np.exp(Parzen(coordinates, observed(space, count), 1.0).log_density(np.array(rows)))
    assert density.sum() == pytest.approx(1)


@pytest.mark.parametrize("count", [0, 1, 2, 9, 60])
def test_a_parzen_estimate_of_a_line_integrates_to_one(count):
    space = SearchSpace.from_json({"x": {"_type": "loguniform", "_value": [1e-3, 1]}})
    parzen = Parzen(Coordinates(space), observed(space, count), 1.0)
    positions = np.linspace(np.log(1e-3), 0, 20001)
    heights = np.exp(parzen.log_density(np.exp(positions)[:, None])) / np.sqrt(2 * np.pi)
    area = np.sum((heights[1:] + heights[:-1]) / 2 * np.diff(positions))
    assert area == pytest.approx(1, abs=1e-4)


def test_draws_from_a_parzen_estimate_follow_its_density():
    space = SearchSpace.from_json({"n": {"_type": "randint", "_value": [0, 6]}})
    parzen = Parzen(Coordinates(space), observed(space, 5), 1.0)
    drawn = parzen.draw(np.random.default_rng(1), 20000)[:, 0]
    share = np.bincount(drawn.astype(int), minlength=6) / len(drawn)
    assert share == pytest.approx(np.exp(parzen.log_density(np.arange(6.0)[:, None])), abs=0.015)


def test_values_observed_together_are_drawn_together():
    space = SearchSpace.from_json({k: {"_type": "uniform", "_value": [0, 1]} for k in "xy"})
    pairs = np.array([[0.1, 0.1], [0.9, 0.9]] * 10)
    drawn = Parzen(Coordinates(space), pairs, 1.0).draw(np.random.default_rng(0), 2000)
    assert np.corrcoef(drawn.T)[0, 1] > 0.7


def spread_of_thirty(**args):
    """The spread of thirty values asked for at once, after results that favour 0.5."""
    space = SearchSpace.from_json({"x": {"_type": "uniform", "_value": [0, 1]}})
    tuner = tuners.create("tpe", space, seed=0, **args)
    for number in range(20):
        tuner.tell({"x": number / 20}, abs(number / 20 - 0.5))
    return float(np.std([tuner.ask()["x"] for _ in range(30)]))


def test_tpe_avoids_running_trials_unless_configured_otherwise():
    away = spread_of_thirty()
    assert away == spread_of_thirty(constant_liar_type="max")
    assert spread_of_thirty(constant_liar_type="min") < away
    assert spread_of_thirty(parallel_optimize=False) < 0.9 * away


def process(nu=2.5, seed=0, count=15):
    rng = np.random.default_rng(seed)
    points = rng.random((count, 3))
    points[:, 2] = (rng.integers(3, size=count) + 0.5) / 3
    y = np.sin(5 * points[:, 0]) + points[:, 1] ** 2 + (points[:, 2] > 0.5)
    return GaussianProcess(points, y, {2: 3}, nu=nu, alpha=1e-6), points, y


@pytest.mark.parametrize("nu", [0.5, 1.5, 2.5])
def test_the_gradient_of_the_fit_is_the_slope_of_its_loss(nu):
    model, points, _ = process(nu)
    squares = np.stack([model._squares(points, points, d) for d in range(3)])
    for seed in range(3):
        theta = np.random.default_rng(seed).normal(-1, 0.5, 5)
        value, slope = model._loss, lambda t: model._loss(t, squares)[1]
        error = check_grad(lambda t, value=value: value(t, squares)[0], slope, theta)
        assert error < 1e-3 * (1 + np.linalg.norm(slope(theta)))


@pytest.mark.parametrize("nu", [0.5, 1.5, 2.5])
def test_a_process_interpolates_observations_and_is_uncertain_elsewhere(nu):
    model, points, y = process(nu)
    mean, deviation = model.predict(points)
    assert mean == pytest.approx(y, abs=0.15)
    far = model.predict(np.array([[1.0, 0.0, 0.5]]))[1]
    assert far > deviation.mean()


def test_a_process_learns_a_smooth_function():
    model, _, _ = process(count=60)
    rng = np.random.default_rng(9)
    points = rng.random((50, 3))
    points[:, 2] = (rng.integers(3, size=50) + 0.5) / 3
    y = np.sin(5 * points[:, 0]) + points[:, 1] ** 2 + (points[:, 2] > 0.5)
    assert np.sqrt(np.mean((model.predict(points)[0] - y) ** 2)) < 0.1


def test_further_observations_reduce_the_uncertainty():
    model, _, _ = process()
    at = np.array([[0.5, 0.95, 0.5]])
    mean, before = model.predict(at)
    same, after = model.with_observations(at, mean).predict(at)
    assert after < 0.5 * before
    assert same == pytest.approx(mean, abs=1e-3)


def test_the_log_of_improvement_is_accurate_near_and_far():
    near = np.array([-3.0, 0.0, 2.0])
    assert np.exp(log_improvement(near)) == pytest.approx(
        [3.821543e-4, 0.398942, 2.008491], rel=1e-5
    )
    far = log_improvement(np.array([-5.01, -4.99, -40.0, -1e4]))
    assert np.isfinite(far).all()
    assert far[1] - far[0] == pytest.approx(0.02 * 5.37, rel=0.05)
    assert np.diff(far[[0, 2, 3]]).max() < 0


def test_compressing_keeps_the_order():
    y = np.array([1e300, -1e300, 0.0, 1.0, 2.0, -5.0, 1e10])
    assert (np.argsort(compress(y), kind="stable") == np.argsort(y, kind="stable")).all()
    steps = compress(np.array([1.0, 2, 3, 4, 5, 1e6]))
    assert steps[-1] - steps[-2] < 40 * (steps[1] - steps[0])


def test_a_search_returns_distinct_points_best_first():
    space = SearchSpace.from_json({k: {"_type": "randint", "_value": [0, 6]} for k in ("a", "b")})
    surrogate = Surrogate(space, nu=2.5, alpha=1e-6)
    results = [Result({"a": a, "b": b}, float(a)) for a, b in itertools.product((0, 5), (1, 4))]
    assert surrogate.learn(results, [])
    wanted = Cube(space).point({"a": 3, "b": 3})

    def utility(points):
        return -np.abs(points - wanted).sum(axis=1)

    found = surrogate.search(utility, 2000, 3, np.random.default_rng(0))
    assert len(found) == 36
    assert found[0] == pytest.approx(wanted)
    assert (np.diff(utility(found)) <= 1e-12).all()


@pytest.mark.parametrize("name", ["tpe", "auto"])
def test_values_are_converted_once_however_often_a_tuner_is_asked(name):
    space = SearchSpace.from_json({k: {"_type": "uniform", "_value": [0, 1]} for k in "xy"})
    tuner = tuners.create(name, space, seed=0)
    rows = tuner._rows if name == "tpe" else tuner._points
    converted, convert = [], rows._convert
    rows._convert = lambda values: converted.append(values) or convert(values)
    for number in range(20):
        tuner.tell({"x": number / 20, "y": 0.5}, float(number))
    asked = [tuner.ask() for _ in range(5)]
    assert converted == [result.values for result in tuner.results] + asked[:-1]


def test_auto_knows_some_of_very_many_running_trials():
    class Recorded(Auto):
        def _model(self, *args):
            self.model = super()._model(*args)
            return self.model

    space = SearchSpace.from_json({k: {"_type": "uniform", "_value": [0, 1]} for k in "xy"})
    tuner = Recorded(space, seed=0)
    for number in range(10):
        tuner.tell({"x": number / 10, "y": 0.5}, float(number))
    for number in range(900):
        tuner.recall({"x": number / 900, "y": 0.2})
    tuner.ask()
    assert len(tuner.model._rows) == 10 + 200
