"""The cases that each kind has beside its code, and the page generated from them."""

import re
from pathlib import Path

import pytest

from annotate import docs
from annotate.errors import Mistakes
from annotate.instrument import expand
from annotate.mistake_codes import CODES

VALID = [(f"{k.__name__}: {c.id}", c) for k in docs.KINDS for c in k.VALID]
INVALID = [(f"{k.__name__}: {c.id}", c) for k in docs.KINDS for c in k.INVALID]


def space(case):
    parameters = {}
    for key, value in case.space.items():
        kind = key.rpartition("/")[2].replace("function_choice", "choice")
        parameters[f"train/{key}"] = {"_type": kind, "_value": value}
    return parameters


@pytest.mark.parametrize("case", [c for _, c in VALID], ids=[i for i, _ in VALID])
def test_a_valid_case_has_its_search_space_and_keeps_its_lines(case):
    expansion = expand(case.source.encode(), path="train.py", module="train")
    assert {p.key: p.domain.to_json() for p in expansion.parameters} == space(case)
    code = expansion.code.decode()
    assert code.count("\n") == case.source.count("\n")
    if case.space:
        assert code != case.source


@pytest.mark.parametrize("case", [c for _, c in INVALID], ids=[i for i, _ in INVALID])
def test_an_invalid_case_raises_one_mistake_with_the_caret_under_the_token(case):
    with pytest.raises(Mistakes) as error:
        expand(case.source.encode(), path="train.py", module="train")
    (mistake,) = error.value.mistakes
    assert mistake.code == case.code
    if case.at:
        assert mistake.source_line[mistake.col - 1 : mistake.end_col - 1] == case.at
    assert re.fullmatch(r"A\d\d\d", mistake.code)


def test_every_code_has_an_example():
    assert sorted({case.code for _, case in INVALID}) == sorted(CODES)


def test_the_annotations_page_is_generated_from_these_cases():
    page = Path(__file__).parents[2] / "docs" / "annotations.md"
    stale = "stale: run python -m annotate.docs > docs/annotations.md"
    assert page.read_text(encoding="utf-8") == docs.page(), stale
