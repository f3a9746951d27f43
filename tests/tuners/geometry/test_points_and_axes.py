"""The views of a space that algorithms use: numbered points, coordinates, the unit cube."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.space import SearchSpace
from tuners.geometry.axes import axis
from tuners.geometry.coordinates import Coordinates
from tuners.geometry.cube import Cube
from tuners.geometry.latin_hypercube import latin_hypercube

NUMBER = st.integers(-50, 50)
STEP = st.sampled_from([0.1, 0.25, 0.3, 1, 3, 7])


def bounded(kind, low, width, step):
    low = abs(low) + 1 if "log" in kind else low
    return {"_type": kind, "_value": [low, low + width, step][: 3 if kind[0] == "q" else 2]}


def finite_domains():
    kinds = st.sampled_from(["quniform", "qloguniform", "randint"])
    return st.builds(bounded, kinds, NUMBER, st.integers(1, 30), STEP)


def any_domains():
    kinds = st.sampled_from(["uniform", "loguniform"])
    normal = st.sampled_from(["normal", "lognormal", "qnormal", "qlognormal"])
    return st.one_of(
        finite_domains(),
        st.builds(bounded, kinds, NUMBER, st.integers(1, 30), STEP),
        st.builds(
            lambda kind, mu, q: {"_type": kind, "_value": [mu, 1.5, q][: 2 + (kind[0] == "q")]},
            normal,
            st.integers(-3, 3),
            STEP,
        ),
    )


def spaces(domains):
    plain = st.lists(st.sampled_from([0, 1, 1.0, True, "a", None]), min_size=1, max_size=3)
    inner = st.dictionaries(st.sampled_from(["p", "q/r"]), domains, min_size=1)
    options = st.builds(lambda some, child: [*some, {"_name": "deep", **child}], plain, inner)
    choice = options.map(lambda some: {"_type": "choice", "_value": some})
    keys = st.sampled_from(["a", "b/c/choice", "d"])
    return st.dictionaries(keys, st.one_of(domains, choice), min_size=1).map(SearchSpace.from_json)


def key(values):
    return json.dumps(values, sort_keys=True)


@settings(deadline=None, max_examples=60)
@given(spaces(finite_domains()))
def test_the_size_of_a_finite_space_is_its_number_of_distinct_points(space):
    if space.size > 2000:
        return
    points = [space.nth(number) for number in range(space.size)]
    assert len({key(values) for values in points}) == space.size
    assert all(key(space.locate(values)) == key(values) for values in points)


def test_a_walk_wraps_around_and_the_last_parameter_changes_fastest():
    domain = {"_type": "randint", "_value": [0, 2]}
    space = SearchSpace.from_json({"a": domain, "b": domain})
    walked = [(v["a"], v["b"]) for v in space.walk(1)]
    assert walked == [(0, 1), (1, 0), (1, 1), (0, 0)]


@settings(deadline=None, max_examples=100)
@given(spaces(any_domains()), st.integers(0, 2**32))
def test_coordinates_read_and_write_every_sample(space, seed):
    values = space.locate(space.sample(np.random.default_rng(seed)))
    coordinates = Coordinates(space)
    assert key(coordinates.values(coordinates.levels(values))) == key(values)


@settings(deadline=None, max_examples=100)
@given(spaces(any_domains()), st.integers(0, 2**32))
def test_every_point_of_the_cube_has_values_and_snaps_to_them(space, seed):
    rng = np.random.default_rng(seed)
    cube = Cube(space)
    points = np.vstack([rng.random((3, cube.dimensions)), np.zeros(cube.dimensions)])
    snapped = cube.snap(points)
    assert ((snapped >= 0) & (snapped <= 1)).all()
    for before, after in zip(points, snapped, strict=True):
        values = cube.values(before)
        assert key(space.locate(values)) == key(values)
        assert cube.point(values) == pytest.approx(after, abs=1e-6)


def test_equal_lengths_of_the_cube_have_equal_probability():
    kinds = {
        "n": {"_type": "randint", "_value": [0, 4]},
        "u": {"_type": "loguniform", "_value": [1e-4, 1]},
        "g": {"_type": "normal", "_value": [5, 2]},
        "c": {"_type": "choice", "_value": ["a", "b"]},
    }
    cube = Cube(SearchSpace.from_json(kinds))
    drawn = [cube.values(np.full(4, unit)) for unit in (np.arange(1000) + 0.5) / 1000]
    assert [sum(v["n"] == n for v in drawn) for n in range(4)] == [250] * 4
    assert sum(v["u"] < 1e-2 for v in drawn) == 500
    assert sum(v["g"] < 3 for v in drawn) == pytest.approx(159, abs=1)
    assert sum(v["c"] == "a" for v in drawn) == 500


@pytest.mark.parametrize("value", [[0, 10, 2], [0, 9, 2], [0.05, 1, 0.1]])
def test_the_cells_of_a_quantised_axis_cover_it_once(value):
    space = SearchSpace.from_json({"a": {"_type": "quniform", "_value": value}})
    levels = [v["a"] for v in space.walk()]
    first, last = axis(space["a"].domain).cell(levels)
    assert first[0] == value[0]
    assert last[-1] == value[1]
    assert last[:-1] == pytest.approx(first[1:])


def test_a_latin_hypercube_has_one_point_in_each_stratum():
    points = latin_hypercube(7, 3, np.random.default_rng(0))
    for column in points.T:
        assert sorted(np.floor(column * 7)) == list(range(7))
