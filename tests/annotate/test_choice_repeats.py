import pytest

from annotate.errors import SpaceError
from annotate.space import SearchSpace


def choice(*options):
    return SearchSpace.from_json({"a": {"_type": "choice", "_value": list(options)}})


def test_an_option_written_twice_counts_once():
    assert choice(1, 2, 1).size == 2


def test_options_of_different_json_types_are_different():
    assert choice(1, 1.0, True, "1").size == 4


def test_nested_options_count_what_they_hold():
    child = {"_type": "randint", "_value": [0, 3]}
    assert choice(0, {"_name": "x", "n": child}, 0).size == 4


def test_two_options_with_parameters_cannot_have_one_name():
    child = {"_type": "randint", "_value": [0, 3]}
    with pytest.raises(SpaceError, match="two options of choice are named 'x'"):
        choice({"_name": "x", "n": child}, {"_name": "x", "m": child})
