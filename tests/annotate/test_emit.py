"""Literals in expanded code."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.emit import Emitter, Unquotable

JSON = st.one_of(
    st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)


@given(JSON | st.none() | st.dictionaries(st.text(), JSON))
def test_a_literal_is_ascii_and_evaluates_to_the_value(value):
    text = Emitter.for_text("").literal(value)
    assert text.isascii()
    assert "\n" not in text
    back = ast.literal_eval(text)
    assert back == value
    assert type(back) is type(value)


@given(st.text(), st.sampled_from(["'", '"', "'''", '"""']))
def test_inside_an_f_string_a_literal_uses_neither_its_quotes_nor_backslashes(value, quotes):
    emitter = Emitter.for_text("").inside(quotes, "f(x)")
    try:
        text = emitter.literal(value)
    except Unquotable:
        return
    assert quotes[0] not in text
    assert "\\" not in text
    assert ast.literal_eval(text) == value


def test_python_3_12_allows_any_code_in_an_f_string():
    assert Emitter.for_text("").inside('"', 'f("a")').literal("it's") == '"it\'s"'


@pytest.mark.parametrize(
    "text",
    [
        "__import__ = hook",
        "def __import__(name): pass",
        "from hooks import f as __import__",
        "def f(__import__): pass",
        "globals()['__import__'] = hook",
    ],
)
def test_expanded_code_does_not_use_a_redefined_import_function(text):
    assert not Emitter.for_text(text).nni.startswith("__import__")


def test_a_file_that_only_calls_the_import_function_gets_the_plain_form():
    assert Emitter.for_text('__import__("os").name').nni == '__import__("nni")'
