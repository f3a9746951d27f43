"""The parts of the tuner auto."""

import numpy as np
import pytest

import tuners
from annotate.space import SearchSpace
from tuners.auto.features import Features
from tuners.auto.process import Prior, Process, _loss
from tuners.auto.search import Search
from tuners.auto.ties import Ties
from tuners.auto.ties import _loss as tie_loss
from tuners.auto.tuner import compressed
from tuners.geometry.cube import Cube

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


_GAMMA = {"_type": "loguniform", "_value": [1e-4, 1]}
NESTED = Cube(
    SearchSpace.from_json(
        {
            "kernel": {
                "_type": "choice",
                "_value": [
                    "linear",
                    {"_name": "rbf", "gamma": _GAMMA},
                    {
                        "_name": "poly",
                        "gamma": _GAMMA,
                        "degree": {"_type": "randint", "_value": [2, 5]},
                    },
                ],
            }
        }
    )
)


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


def test_the_gradient_of_the_posterior_is_its_slope():
    rows = FEATURES.rows(CUBE.snap(np.random.default_rng(0).random((12, 4))))
    one, other = np.tril_indices(12, -1)
    theta = np.random.default_rng(1).normal(-0.5, 0.3, FEATURES.count + 3)
    centre, spread = np.zeros(len(theta)), np.ones(len(theta))

    def posterior(at):
        apart = FEATURES.distances(rows[one], rows[other])
        return _loss(at, np.sin(5 * rows[:, 0]), apart, one, other, centre, spread)

    steps = 1e-5 * np.eye(len(theta))
    slope = [(posterior(theta + s)[0] - posterior(theta - s)[0]) / 2e-5 for s in steps]
    assert posterior(theta)[1] == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_additive_effects_are_learnt_from_few_results():
    space = SearchSpace.from_json({k: {"_type": "uniform", "_value": [0, 1]} for k in "abcd"})
    features, points = Features(Cube(space)), np.random.default_rng(3).random((340, 4))
    losses = np.sin(6 * points).sum(axis=1)

    def agreement(*, additive):
        known = np.arange(40)
        model = Process(features, points[known], losses[known], Prior(additive=additive), known)
        return np.corrcoef(model.predict(points[40:])[0], losses[40:])[0, 1]

    assert agreement(additive=True) > 0.95
    assert agreement(additive=False) < 0.9


def test_a_child_means_the_same_under_each_option_that_has_it():
    features = Features(NESTED)
    rbf, poly = NESTED.snap(np.array([[0.5, 0.2, 0.9, 0.9], [0.9, 0.9, 0.2, 0.9]]))
    one, other = features.rows(np.array([rbf, poly]))
    assert features.count == Features(NESTED, shared=False).count - 1 == 3
    assert one[1] == other[1] == pytest.approx(0.2)


def test_gradient_steps_keep_inactive_parameters_fixed():
    features = Features(NESTED)
    linear, rbf, poly = NESTED.snap(np.array([[0.1] * 4, [0.5] * 4, [0.9] * 4]))
    slopes = features.gradient_by_coordinates(np.ones((3, 3)), np.array([linear, rbf, poly]))
    assert slopes.tolist() == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]


def test_a_running_trial_makes_its_neighbourhood_less_promising():
    model, points = process(), CUBE.snap(np.random.default_rng(1).random((500, 4)))
    scores = model.log_ei(points)
    best = int(scores.argmax())
    model.believe(points[best : best + 1], model.best)
    assert model.log_ei(points)[best] < scores[best] - 1


def test_numbers_in_a_choice_are_ordered_and_words_are_not():
    points = CUBE.snap(np.array([[0.5, a, 0.5, b] for a, b in [(0, 0), (0, 0.3), (0, 1), (1, 0)]]))
    rows = FEATURES.rows(points)
    distances = FEATURES.distances(rows[0], rows).values.max(axis=0)
    assert distances[1] < distances[2]
    assert sorted(FEATURES.numbers) == [0, 2, 3]


@pytest.mark.parametrize("options", [[64, 16, 32], [1, 2], [1, "2", 3], [True, False, 2]])
def test_unordered_numbers_in_a_choice_count_as_words(options):
    space = SearchSpace.from_json({"a": {"_type": "choice", "_value": options}})
    assert not Features(Cube(space)).numbers.size


PLANE_CUBE = Cube(SearchSpace.from_json({k: {"_type": "uniform", "_value": [0, 1]} for k in "ab"}))
PLANE = Features(PLANE_CUBE)


def test_close_points_tie_on_a_step_function_and_not_on_a_slope():
    points = np.random.default_rng(2).random((80, 2))
    losses = points.sum(axis=1)
    good = points[np.argsort(losses)[:1]]
    near = good + 0.02
    assert Ties(PLANE, points, losses).probability(near) == 0
    ties = Ties(PLANE, points, np.floor(5 * losses))
    assert ties.probability(good) == pytest.approx(1)
    assert ties.probability(near) > 0.7
    assert ties.probability(good + 2) < 0.01


def test_points_that_differ_in_an_unused_parameter_tie():
    rng = np.random.default_rng(3)
    points = CUBE.snap(rng.random((60, 4)))
    losses = (points[:, 0] - 0.3) ** 2 + (points[:, 3] - 0.6) ** 2
    known = points[np.argsort(losses)[:20]]
    useless = known.copy()
    useless[:, 1] = rng.permutation(known[:, 1])
    useless[:, 2] = rng.random(20)
    known, equal = CUBE.snap(known), CUBE.snap(useless)
    losses = np.append(losses, (equal[:, 0] - 0.3) ** 2 + (equal[:, 3] - 0.6) ** 2)
    ties = Ties(FEATURES, np.vstack([points, equal]), losses)
    other = known.copy()
    other[:, 2] = 1 - other[:, 2]
    moved = known.copy()
    moved[:, 0] = (moved[:, 0] + 0.4) % 1
    assert np.median(ties.probability(other)) > 0.7
    assert np.median(ties.probability(moved)) < 0.3


def test_failures_do_not_count_as_ties():
    points = np.random.default_rng(2).random((80, 2))
    losses = np.where(points[:, 0] < 0.7, 5.0, points.sum(axis=1))
    assert not Ties(PLANE, points, losses).probability(points).any()


def test_the_gradient_of_the_likelihood_of_ties_is_its_slope():
    rng = np.random.default_rng(0)
    distances, tied = rng.random((3, 40)), rng.random(40) < 0.4
    theta = np.array([0.3, -0.2, 1.0, -1.0])
    steps = 1e-6 * np.eye(4)
    slope = [
        (tie_loss(theta + s, distances, tied)[0] - tie_loss(theta - s, distances, tied)[0]) / 2e-6
        for s in steps
    ]
    assert tie_loss(theta, distances, tied)[1] == pytest.approx(slope, rel=1e-5)


def test_certain_ties_are_not_proposed():
    points = np.random.default_rng(4).random((40, 2))
    losses = np.round(8 * ((points - 0.6) ** 2).sum(axis=1))
    model = Process(PLANE, points, losses, Prior(), np.arange(40))
    ties, ranked = Ties(PLANE, points, losses), points[np.argsort(losses, kind="stable")]

    def found(among):
        search = Search(PLANE_CUBE, PLANE, model, ranked, among)
        return ties.probability(search.run(np.random.default_rng(0), climb=True)[:50]).mean()

    assert found(ties) < 0.95 * found(None)


def test_losses_keep_their_order_and_a_diverged_one_does_not_hide_the_others():
    losses = np.array([0.3, 0.1, 0.2, 0.4, 1e12])
    values = compressed(losses)
    assert list(np.argsort(values)) == [1, 2, 0, 3, 4]
    assert values[4] < 200 * values[3]


def test_the_model_still_learns_from_many_results():
    space = SearchSpace.from_json({k: {"_type": "uniform", "_value": [0, 1]} for k in "ab"})
    tuner, rng = tuners.create("auto", space, seed=0), np.random.default_rng(0)
    for _ in range(2000):
        values = space.sample(rng)
        tuner.tell(values, (values["a"] - 0.2) ** 2 + (values["b"] - 0.9) ** 2)
    values = tuner.ask()
    assert abs(values["a"] - 0.2) < 0.1
    assert abs(values["b"] - 0.9) < 0.1


def loguniform(count):
    keys = [f"p{n}" for n in range(count)]
    return SearchSpace.from_json({k: {"_type": "loguniform", "_value": [1e-5, 1]} for k in keys})


def test_the_ends_of_a_range_over_decades_are_expected_to_be_worse_until_tried():
    features = Features(Cube(loguniform(2)))
    known = np.array([[0.5, 0.3], [0.4, 0.6], [0.6, 0.7]])
    ends = np.array([[0.0, 0.5], [1.0, 0.5], [0.5, 0.5]])

    def expected(points, losses):
        model = Process(features, points, losses, Prior(), np.arange(len(losses)))
        return model.predict(ends)[0]

    low, high, middle = expected(known, np.array([0.3, 0.1, 0.2]))
    assert min(low, high) > middle + 0.5
    seen = np.vstack([known, [[0.03, 0.45], [0.03, 0.55], [0.1, 0.5]]])
    low, high, middle = expected(seen, np.array([0.3, 0.1, 0.2, -1.0, -1.0, -0.8]))
    assert low < middle < high


def test_the_expected_loss_at_the_ends_is_capped_at_that_of_three_ranges():
    assert Features(Cube(loguniform(2))).ends.sum() == pytest.approx(2)
    assert Features(Cube(loguniform(30))).ends.sum() == pytest.approx(3)
    # gamma, 1, and degree, 0.4, of one option; the others have less.
    assert Features(NESTED).ends == pytest.approx([0, 1, 0.4])
    assert Features(NESTED, shared=False).ends == pytest.approx([0, 1, 1, 0.4])


def test_a_rate_over_decades_is_expected_to_matter_more_than_a_word():
    space = {
        "rate": {"_type": "loguniform", "_value": [1e-5, 1]},
        "depth": {"_type": "randint", "_value": [1, 9]},
        "batch": {"_type": "choice", "_value": [16, 32, 64]},
        "drop": {"_type": "uniform", "_value": [0, 1]},
        "kind": {"_type": "choice", "_value": ["a", "b", "c"]},
    }
    lengths = Features(Cube(SearchSpace.from_json(space))).lengths
    assert np.all(np.diff(lengths) > 0)
