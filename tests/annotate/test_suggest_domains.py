"""Domains around any value: they contain it, they compile, and a phrase explains them."""

import ast
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.instrument import expand
from annotate.suggest import around

MAKERS = {
    "factor": around.factor(100),
    "capped": around.factor(10, cap=1.0),
    "from nothing": around.factor(10, zero=(1e-4, 0.1)),
    "between": around.between(0.0, 0.5),
    "a narrow between": around.between(0.8, 0.9),
    "near one": around.near_one,
    "shrinking": around.shrinking,
    "doubling": around.doubling,
    "counted": around.counted,
    "depth": around.depth,
    "odd": around.odd,
    "widths": around.widths,
    "growing": around.growing,
    "switch": around.switch,
    "one of": around.one_of("a", "b", None),
    "first": around.first(around.doubling, around.widths),
}

values = st.one_of(
    st.integers(-2, 10**9),
    st.floats(1e-9, 1e9),
    st.floats(0, 1),
    st.booleans(),
    st.sampled_from(["a", "b", "c", "", None]),
    st.lists(st.integers(1, 4096), max_size=4),
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
)


def domain_of(made, text):
    source = f"x = {text}  # @nni.{made.domain}\n".encode()
    (parameter,) = expand(source, path="x.py", module="x").parameters
    return parameter.domain


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
@given(value=values)
def test_a_proposed_domain_contains_the_value(maker, value):
    text = repr(value)
    if (proposed_range := maker(value, text)) is None:
        return
    domain = domain_of(proposed_range, text)
    if isinstance(value, (tuple, list)):
        assert text in domain.to_json()["_value"]
    else:
        assert domain.locate(value) == value
    assert proposed_range.phrase
    assert "\n" not in proposed_range.domain


@given(value=st.one_of(st.floats(1e-9, 1e9), st.integers(0, 10**9)))
def test_a_bound_is_short_and_of_the_values_type(value):
    text = around.number(value)
    back = ast.literal_eval(text)
    assert type(back) is type(value)
    assert math.isclose(back, value, rel_tol=0.006)
    assert isinstance(value, int) or len(text) <= 12


def test_options_use_the_authors_quotes():
    made = around.one_of("a", "b")
    assert made("b", "'b'").domain == "choice('b', 'a')"
    assert made("b", '"b"').domain == 'choice("b", "a")'


def test_an_option_that_is_hard_to_quote_is_written_as_its_repr():
    listed = around.listed(["a", "it's", "\n"], "'a'")
    assert ast.literal_eval(listed.domain.removeprefix("choice")) == ("a", "it's", "\n")


@pytest.mark.parametrize("value", [True, False])
def test_a_switch_is_not_a_number(value):
    for maker in (around.factor(10), around.between(0, 1), around.doubling, around.counted):
        assert maker(value, str(value)) is None
