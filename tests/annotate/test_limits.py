"""Files from outside cost a sentence, not all memory."""

import pytest

from annotate import limits
from annotate.errors import AnnotateError
from annotate.space import SearchSpace
from runtime.loop import known_results

TEXTS = {
    "deep.json": ("[" * 200_000, "nested more than 100 levels deep"),
    "valid_deep.json": ("[" * 200 + "]" * 200, "nested more than 100 levels deep"),
    "digits.json": (f'[{{"parameter": {{"lr": {"9" * 5000}}}}}]', "more than 300 digits"),
    "cut.json": ('[{"parameter"', ":1:14: "),
    "wide.csv": (f'lr,value\n"{"9" * 200_000}",1\n', "field larger than field limit"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_results_beyond_a_limit_are_named(tmp_path, name):
    text, reason = TEXTS[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(AnnotateError, match=reason) as error:
        known_results.of_file(tmp_path / name)
    assert str(error.value).startswith(str(tmp_path / name))
    if name.endswith(".json"):
        with pytest.raises(AnnotateError, match=reason):
            SearchSpace.read(tmp_path / name)


def test_a_file_without_an_end_is_refused(tmp_path):
    with pytest.raises(AnnotateError, match="/dev/zero is larger than 1 MiB"):
        limits.read_text(tmp_path.joinpath("/dev/zero"), limit=1 << 20)


def test_a_part_that_is_used_many_times_counts_each_time():
    value = [0]
    for _ in range(50):
        value = [value, value]
    with pytest.raises(AnnotateError, match="it has more than 1000 items"):
        limits.check(value, "it", items=1000)
