"""Numbers and strings are written in their author's style and keep their values."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate import style


@pytest.mark.parametrize(
    ("value", "like", "text"),
    [
        (0.00123, "1e-3", "1.23e-3"),
        (0.5, "1E-03", "5E-01"),
        (0.002, "1.0e-3", "2.0e-3"),
        (100000.0, "1e+4", "1e+5"),
        (2.3e-05, "0.0001", "0.000023"),
        (0.25, ".1", ".25"),
        (2.0, "1.", "2."),
        (20000, "10_000", "20_000"),
        (20000.5, "10_000.0", "20_000.5"),
        (255, "0x1F", "0xFF"),
        (255, "0x1f", "0xff"),
        (70000, "0xffff_0000", "0x1_1170"),
        (5, "0b0011", "0b0101"),
        (8, "0o17", "0o10"),
        (-0.7, "-1e-2", "-7e-1"),
        (0.7, "1", "0.7"),
        (3, "1.0", "3"),
        (1e300, "0.1", "1e+300"),
        (0.0, "1e-3", "0.0"),
        (2.0, "x + 1", "2.0"),
    ],
)
def test_a_number_keeps_the_authors_style(value, like, text):
    assert style.number(value, like) == text


LIKES = ["1e-3", "1E+05", "-2.50e-07", "1.", ".5", "0.1", "1_000", "1_0.5", "0xFF", "0b1", "0o7"]
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS, st.sampled_from([*LIKES, "", "x", "1j", "True", "'a'"]) | st.text(max_size=6))
def test_a_number_keeps_its_value_in_any_style(value, like):
    parsed = ast.literal_eval(style.number(value, like))
    assert (type(parsed), repr(parsed)) == (type(value), repr(value))


@given(NUMBERS, st.sampled_from(LIKES))
def test_a_style_does_not_change_when_applied_again(value, like):
    text = style.number(value, like)
    assert style.number(value, text) == text


@given(st.text(max_size=8), st.sampled_from(['"a"', "'a'", "'''a'''", '"""a"""', "r'a'", "x"]))
def test_a_string_keeps_its_value_in_any_quotes(value, like):
    assert ast.literal_eval(style.string(repr(value), like)) == value


def test_a_string_gets_the_authors_quotes_if_its_content_allows():
    assert style.string("'sgd'", '"adam"') == '"sgd"'
    assert style.string("'it\"s'", '"adam"') == "'it\"s'"
    assert style.string("SGD(p)", '"adam"') == "SGD(p)"
