"""The cases that each data format has beside its code."""

import re
from pathlib import Path, PurePosixPath

import pytest

from annotate import formats
from annotate.data import json_text, toml_text, yaml_text
from annotate.errors import Mistakes
from annotate.mistake_codes import DATA_CODES

FORMS = {"train.yaml": yaml_text, "train.toml": toml_text, "train.json": json_text}
VALID = [(name, case) for name, form in FORMS.items() for case in form.VALID]
INVALID = [(name, case) for name, form in FORMS.items() for case in form.INVALID]


def expand(name, source):
    return formats.expand(source.encode(), name, PurePosixPath(name))


def ids(cases):
    return [f"{name}: {case.id}" for name, case in cases]


@pytest.mark.parametrize(("name", "case"), VALID, ids=ids(VALID))
def test_a_valid_data_case_has_its_search_space_and_is_not_changed(name, case):
    expansion = expand(name, case.source)
    wanted = {
        f"{name}/{key}": {"_type": key.rpartition("/")[2], "_value": value}
        for key, value in case.space.items()
    }
    assert {p.key: p.domain.to_json() for p in expansion.parameters} == wanted
    assert expansion.code == case.source.encode()


@pytest.mark.parametrize(("name", "case"), INVALID, ids=ids(INVALID))
def test_an_invalid_case_raises_one_mistake_with_the_caret_under_the_token(name, case):
    with pytest.raises(Mistakes) as error:
        expand(name, case.source)
    (mistake,) = error.value.mistakes
    assert mistake.code == case.code
    if case.at:
        assert mistake.source_line[mistake.col - 1 : mistake.end_col - 1] == case.at


def test_each_data_code_has_an_example_and_is_on_the_page():
    shown = {case.code for _, case in INVALID}
    assert set(DATA_CODES) <= shown
    page = (Path(__file__).parents[3] / "docs" / "files.md").read_text()
    for code, meaning in DATA_CODES.items():
        assert re.search(rf"\| {code} \| {re.escape(meaning)} \|", page), code


def test_a_file_that_is_not_utf_8_is_a_mistake_only_if_it_is_annotated():
    assert not formats.expand(b"a: \xff\n", "a.yaml", PurePosixPath("a.yaml")).annotated
    with pytest.raises(Mistakes) as error:
        formats.expand(b"b: \xff  # @nni.choice(1, 2)\n", "a.yaml", PurePosixPath("a.yaml"))
    assert error.value.mistakes[0].display().startswith("a.yaml:1:4: A101")


@pytest.mark.parametrize("name", FORMS)
def test_a_file_without_annotations_is_not_parsed(name):
    for text in ("{{ broken", "a @nni.x", "# @nnie", "# a @nni"):
        assert not expand(name, text).annotated
