"""The search space: domains, NNI's JSON, and values."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.domains import DOMAINS, Choice, Option, numeric_domain
from annotate.domains.choice import nested_text
from annotate.errors import SpaceError
from annotate.parameter import Parameter
from annotate.space import SearchSpace

NUMERIC = {
    "randint": [1, 10],
    "uniform": [-1, 1.5],
    "quniform": [0, 10, 2],
    "loguniform": [1e-5, 1],
    "qloguniform": [16, 1000, 16],
    "normal": [0, 2],
    "qnormal": [0, 2, 0.5],
    "lognormal": [0, 1],
    "qlognormal": [0, 1, 0.25],
}
NESTED = {
    "m/x/choice": {
        "_type": "choice",
        "_value": [
            0,
            "a",
            None,
            {"_name": "nni.uniform(0, 1)", "uniform": {"_type": "uniform", "_value": [0, 1]}},
        ],
    },
    **{f"m/{kind}/{kind}": {"_type": kind, "_value": v} for kind, v in NUMERIC.items()},
    "by hand": {"_type": "randint", "_value": [0, 3]},
}


def test_all_of_nnis_ten_domains_exist():
    assert sorted([*NUMERIC, "choice"]) == sorted(DOMAINS)


@pytest.mark.parametrize("kind", NUMERIC)
@given(seed=st.integers(0, 2**32))
def test_a_sample_lies_in_its_domain_and_is_located_unchanged(kind, seed):
    domain = numeric_domain(kind, NUMERIC[kind])
    value = domain.sample(np.random.default_rng(seed))
    assert math.isfinite(value)
    assert type(value) is (int if domain.integral else float)
    assert domain.locate(value) == value


def test_quniform_clips_and_reaches_both_bounds():
    domain = numeric_domain("quniform", [0, 10, 2])
    rng = np.random.default_rng(0)
    values = {domain.sample(rng) for _ in range(500)}
    assert values == {0, 2, 4, 6, 8, 10}
    assert domain.size == 6


def test_a_space_round_trips_through_nnis_json():
    space = SearchSpace.from_json(NESTED)
    assert space.to_json() == NESTED
    assert SearchSpace.from_json(json.loads(json.dumps(space.to_json()))) == space


@given(seed=st.integers(0, 2**32))
def test_a_sample_lies_in_its_space_even_after_json(seed):
    space = SearchSpace.from_json(NESTED)
    values = space.sample(np.random.default_rng(seed))
    assert space.locate(json.loads(json.dumps(values))) == values


@pytest.mark.parametrize(
    ("kind", "arguments", "argument"),
    [
        ("uniform", [1, 0], "low"),
        ("randint", [1, 1], "high"),
        ("uniform", [0, math.inf], "high"),
        ("uniform", [-1.7e308, 1.7e308], "low"),
        ("uniform", [math.nan, 1], "low"),
        ("uniform", ["0", 1], "low"),
        ("uniform", [True, 2], "low"),
        ("loguniform", [0, 1], "low"),
        ("qloguniform", [-1, 1, 1], "low"),
        ("quniform", [0, 1, 0], "q"),
        ("normal", [0, 0], "sigma"),
        ("qlognormal", [0, 1, -1], "q"),
        ("randint", [0, 1.5], "high"),
        ("uniform", [0], ""),
    ],
)
def test_invalid_arguments_of_a_domain_are_named(kind, arguments, argument):
    with pytest.raises(SpaceError) as error:
        numeric_domain(kind, arguments)
    assert error.value.argument == argument
    assert argument in error.value.message


def test_1_true_and_1_0_are_three_options():
    choice = Choice((Option(1), Option(True), Option(1.0)))
    assert [choice.index(value) for value in (1, True, 1.0)] == [0, 1, 2]


NAN = "cannot be an option"
NO_NUMBERS = [
    ("choice", [math.nan, 1.0], f"x: nan {NAN}"),
    ("choice", ["a", [1, {"k": math.nan}]], f"x: nan {NAN}"),
    ("choice", [{"_name": math.nan, "y": {"_type": "uniform", "_value": [0, 1]}}], f"x: nan {NAN}"),
    (
        "choice",
        [{"_name": "a", "y": {"_type": "choice", "_value": [math.nan]}}],
        f"x/a/y: nan {NAN}",
    ),
    ("uniform", [math.nan, 1], "x: low of uniform: nan is not a finite number"),
    ("loguniform", [1, math.inf], "x: high of loguniform: inf is not a finite number"),
    ("quniform", [0, 1, math.nan], "x: q of quniform: nan is not a finite number"),
    ("randint", [0, math.nan], "x: high of randint: nan is not a finite number"),
    ("lognormal", [math.nan, 1], "x: mu of lognormal: nan is not a finite number"),
]


@pytest.mark.parametrize(("kind", "arguments", "message"), NO_NUMBERS)
def test_nan_is_no_part_of_a_search_space(kind, arguments, message):
    space = {"x": {"_type": kind, "_value": arguments}}
    with pytest.raises(SpaceError) as caught:
        SearchSpace.from_json(space)
    assert caught.value.message.startswith(message)
    if kind == "choice":  # an experiment may keep such a space
        assert json.dumps(SearchSpace.from_stored(space).to_stored()) == json.dumps(space)


def test_the_infinities_are_options_like_others():
    options = [math.inf, -math.inf, [math.inf], 1.0]
    space = SearchSpace.from_json({"x": {"_type": "choice", "_value": options}})
    assert list(space.walk()) == [{"x": option} for option in options]
    assert [space["x"].domain.locate(option) for option in options] == options


UNIFORM = {"_type": "uniform", "_value": [0.1, 1]}
SIZE = {"_type": "choice", "_value": [1, 2]}


@pytest.mark.parametrize(
    ("option", "text", "value", "shown"),
    [
        ("a", "'a'", "a", "'a'"),
        (
            {"_name": "nni.uniform(0.1, 1)", "uniform": UNIFORM},
            "uniform(0.1, 1)",
            {"_name": "nni.uniform(0.1, 1)", "uniform": 0.3},
            "0.3 (uniform)",
        ),
        (
            {"_name": "Conv", "size": SIZE, "drop": UNIFORM},
            "Conv(size=choice(1, 2), drop=uniform(0.1, 1))",
            {"_name": "Conv", "size": 2, "drop": 0.5},
            "Conv(size=2, drop=0.5)",
        ),
    ],
)
def test_a_nested_option_is_shown_as_in_an_annotation(option, text, value, shown):
    space = SearchSpace.from_json({"p": {"_type": "choice", "_value": [0, option]}})
    (parameter,) = space
    assert str(parameter.domain) == f"choice(0, {text})"
    assert nested_text(value) == shown


def test_names_are_short_if_they_are_unambiguous():
    uniform = numeric_domain("uniform", [0, 1])
    keys = ["a/lr/uniform", "b/lr/uniform", "b/n/uniform"]
    space = SearchSpace(tuple(Parameter(key, uniform) for key in keys))
    assert list(space.names.values()) == ["a/lr", "b/lr", "n"]
    assert space.resolve("b/lr").key == "b/lr/uniform"
    with pytest.raises(SpaceError, match="several parameters are named"):
        space.resolve("lr")
    with pytest.raises(SpaceError) as error:
        space.resolve("nn")
    assert error.value.hint == "did you mean 'n'?"


@pytest.mark.parametrize(
    "text",
    ['{"x": 1}', '{"x": {"_type": "unifrom", "_value": [0, 1]}}', "[1]", "{", '{"x": 1, "x": 2}'],
)
def test_a_broken_search_space_file_is_named(tmp_path, text):
    path = tmp_path / "search_space.json"
    path.write_text(text)
    with pytest.raises(SpaceError, match=r"search_space\.json"):
        SearchSpace.read(path)


@pytest.mark.parametrize(
    ("domain", "value", "near"),
    [
        (("uniform", [0, 1]), 0.12345678901, 0.123457),
        (("uniform", [0, 1]), 1 - 1e-9, 1.0),
        (("uniform", [1e6, 1e6 + 1]), 1e6 + 0.12345678901, 1000000.123457),
        (("uniform", [0.1, 0.25]), 0.1 - 1e-9, 0.1),
        (("loguniform", [1e-5, 1e-1]), 0.00123456789, 0.00123457),
        (("loguniform", [1.0, 1.001]), 1.000123456789012, 1.000123457),
        (("normal", [0, 0.5]), 0.12345678901, 0.1234568),
        (("lognormal", [0, 1]), 123.45678901, 123.4568),
        (("quniform", [0, 1, 0.1]), 0.28, 0.3),
        (("randint", [0, 5]), 7.2, 4),
    ],
)
def test_a_value_has_only_significant_digits(domain, value, near):
    assert numeric_domain(*domain).near(value) == near
