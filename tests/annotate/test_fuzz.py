"""Damaged annotations never crash; each is a mistake with a valid position."""

import os
import random
import re
import warnings

import pytest

from annotate import docs
from annotate.errors import Mistakes
from annotate.instrument import expand

SEEDS = [case.source for kind in docs.KINDS for case in (*kind.VALID, *kind.INVALID)]
PIECES = [
    *"()[]{}'\"#@,.=:;\\\n\r\t\f \0é∑",
    "'''", '"""', "@nni.", "# @nni.", "nni.", "\r\n", "name=", "**", "9**9", "lambda:", "await ",
    "yield", ":=", "*", "f'{", "b''", "else:", "if x:\n    ", "choice(", "uniform(0, 1)", "# ",
    "# coding: latin-1\n", "\ufeff", "1e999", "0x", "async ", "def f(", "class A", "@", "not ",
]  # fmt: skip
COUNT = 40_000 if os.environ.get("ANNOTATE_FULL") else 2500


def damaged(generator):
    text = "".join(generator.sample(SEEDS, generator.randint(1, 2)))
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(text) + 1)
        end = min(len(text), at + generator.choice([0, 0, 1, 1, 2, 5, 20]))
        new = generator.choice(["", "", generator.choice(PIECES), text[end : end + 9] * 2])
        text = text[:at] + new + text[end:]
    return text.encode("utf-8", "surrogatepass")


def compiles(code):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "m.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def lines(data):
    return re.split(rb"\r\n|\r|\n", data)


def expanded(data):
    """The code, or the mistakes."""
    try:
        return expand(data, path="m.py", module="m").code, ()
    except Mistakes as error:
        return None, error.mistakes


def check(data):
    code, mistakes = expanded(data)
    for mistake in mistakes:
        assert 1 <= mistake.line <= len(lines(data))
        assert 1 <= mistake.col <= len(mistake.source_line) + 1
        assert mistake.end_col > mistake.col or not mistake.source_line
        assert mistake.display().startswith(f"m.py:{mistake.line}:{mistake.col}: A")
    if code is None:
        assert mistakes
        return
    assert len(lines(code)) == len(lines(data))
    assert compiles(code) or not compiles(data)


@pytest.mark.timeout(1200)
def test_damaged_annotations_are_mistakes_not_crashes():
    generator = random.Random(20)
    for _ in range(COUNT):
        data = damaged(generator)
        try:
            check(data)
        except Exception as error:
            raise AssertionError(f"expand({data!r})") from error


@pytest.mark.parametrize("text", ["9**9**9", "-9**9**9", "10**400", "2**(2**70)", "9.0**9.0**9.0"])
def test_arithmetic_that_would_take_forever_is_refused_at_once(text):
    with pytest.raises(Mistakes) as error:
        expand(f"x = 1  # @nni.uniform(0, {text})\n".encode(), path="m.py", module="m")
    assert error.value.mistakes[0].code == "A302"


def test_no_code_in_an_annotation_is_executed(tmp_path):
    touched = tmp_path / "touched"
    source = f"x = 1  # @nni.choice(open({str(touched)!r}, 'w'), exec('1/0'), 1)\n"
    expand(source.encode(), path="m.py", module="m")
    with pytest.raises(Mistakes):
        expand(b"x = 1  # @nni.uniform(0, __import__('os').abort())\n", path="m.py", module="m")
    assert not touched.exists()
