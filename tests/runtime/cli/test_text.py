"""Numbers as text for the terminal."""

import pytest

from runtime.cli.text import number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.97223, "0.9722"),
        (12345.6, "12346"),
        (123456789012345.0, "123456789012345"),
        (12345678901234567, "1.235e+16"),
        (1e23, "1e+23"),
        (-1.5e300, "-1.5e+300"),
        (1e-308, "1e-308"),
        ("nan", "nan"),
    ],
)
def test_numbers_have_no_more_digits_than_are_known(value, text):
    assert number(value) == text
