"""The parts of the tuner auto."""

import numpy as np
import pytest

import tuners
from annotate.space import SearchSpace
from tuners.auto import compressed
from tuners.auto_features import Features
from tuners.auto_model import Prior, Process
from tuners.auto_search import apart, plateau
from tuners.cube import Cube

SPACE = SearchSpace.from_json(
    {
        "x": {"_type": "uniform", "_value": [0, 1]},
        "kind": {"_type": "choice", "_value": ["a", "b", "c"]},
        "n": {"_type": "uniform", "_value": [0, 1]},
        "batch": {"_type": "choice", "_value": [16, 32, 64, 128]},
    }
)
CUBE = Cube(SPACE)
FEATURES = Features(CUBE)


def process(count=15):
    points = CUBE.snap(np.random.default_rng(0).random((count, 4)))
    y = np.sin(3 * points.sum(axis=1))
    return Process(FEATURES, points, y, Prior(), np.arange(count))


def test_the_gradient_of_the_improvement_is_its_slope():
    model, points = process(), CUBE.snap(np.random.default_rng(1).random((3, 4)))
    value, gradient = model.slopes(points)
    assert value == pytest.approx(model.log_ei(points))
    for number in FEATURES.numbers:
        step = 1e-5 * np.eye(4)[number]
        slope = (model.log_ei(points + step) - model.log_ei(points - step)) / 2e-5
        assert gradient[:, number] == pytest.approx(slope, rel=1e-4)


def test_a_running_trial_makes_its_place_less_promising():
    model, points = process(), CUBE.snap(np.random.default_rng(1).random((500, 4)))
    scores = model.log_ei(points)
    best = int(scores.argmax())
    model.believe(points[best : best + 1], model.best)
    assert model.log_ei(points)[best] < scores[best] - 1


def test_numbers_in_a_choice_are_ordered_and_words_are_not():
    points = CUBE.snap(np.array([[0.5, a, 0.5, b] for a, b in [(0, 0), (0, 0.3), (0, 1), (1, 0)]]))
    distances = apart(FEATURES, points, points)[0]
    assert distances[1] < distances[2]
    assert sorted(FEATURES.numbers) == [0, 2, 3]


@pytest.mark.parametrize("options", [[64, 16, 32], [1, 2], [1, "2", 3], [True, False, 2]])
def test_what_has_no_order_counts_as_words(options):
    space = SearchSpace.from_json({"a": {"_type": "choice", "_value": options}})
    assert not Features(Cube(space)).numbers.size


def test_a_plateau_is_seen_in_steps_and_not_on_a_slope():
    points = np.random.default_rng(2).random((80, 2))
    space = SearchSpace.from_json({k: {"_type": "uniform", "_value": [0, 1]} for k in "ab"})
    features, losses = Features(Cube(space)), points.sum(axis=1)
    assert plateau(features, points, losses) == 0
    assert 0 < plateau(features, points, np.floor(2.5 * losses)) <= 0.1


def test_failures_are_no_plateau():
    points = np.random.default_rng(2).random((80, 2))
    space = SearchSpace.from_json({k: {"_type": "uniform", "_value": [0, 1]} for k in "ab"})
    losses = np.where(points[:, 0] < 0.7, 5.0, points.sum(axis=1))
    assert plateau(Features(Cube(space)), points, losses) == 0


def test_losses_keep_their_order_and_a_diverged_one_does_not_hide_the_others():
    losses = np.array([0.3, 0.1, 0.2, 0.4, 1e12])
    found = compressed(losses)
    assert list(np.argsort(found)) == [1, 2, 0, 3, 4]
    assert found[4] < 200 * found[3]


def test_many_results_are_still_learnt_from():
    space = SearchSpace.from_json({k: {"_type": "uniform", "_value": [0, 1]} for k in "ab"})
    tuner, rng = tuners.create("auto", space, seed=0), np.random.default_rng(0)
    for _ in range(2000):
        values = space.sample(rng)
        tuner.tell(values, (values["a"] - 0.2) ** 2 + (values["b"] - 0.9) ** 2)
    values = tuner.ask()
    assert abs(values["a"] - 0.2) < 0.1
    assert abs(values["b"] - 0.9) < 0.1
