import pytest

from annotate.errors import SpaceError
from annotate.space import SearchSpace


def choice(*options):
    return SearchSpace.from_json({"a": {"_type": "choice", "_value": list(options)}})


def test_an_option_written_twice_counts_once():
    assert choice(1, 2, 1).size == 2


def test_options_of_different_json_types_are_different():
    assert choice(1, 1.0, True, "1").size == 4


def test_the_size_of_a_choice_includes_nested_options():
    child = {"_type": "randint", "_value": [0, 3]}
    assert choice(0, {"_name": "x", "n": child}, 0).size == 4


def test_two_nested_options_cannot_have_the_same_name():
    child = {"_type": "randint", "_value": [0, 3]}
    with pytest.raises(SpaceError, match="two options of choice are named 'x'"):
        choice({"_name": "x", "n": child}, {"_name": "x", "m": child})


def test_a_bare_value_means_the_nested_domain_that_contains_it():
    space = SearchSpace.from_json(
        {
            "drop": {
                "_type": "choice",
                "_value": [0, {"_name": "on", "uniform": {"_type": "uniform", "_value": [0.1, 1]}}],
            }
        }
    )
    assert space.locate({"drop": 0.5}) == {"drop": {"_name": "on", "uniform": 0.5}}
    assert space.locate({"drop": 0}) == {"drop": 0}
    with pytest.raises(SpaceError, match=r"0\.05 is not one of the options"):
        space.locate({"drop": 0.05})
