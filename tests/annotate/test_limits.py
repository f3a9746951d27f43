"""Files from outside cost a sentence, not all memory."""

import gc
import sys
from contextlib import ExitStack
from pathlib import PurePosixPath

import pytest

from annotate import formats, limits
from annotate.errors import AnnotateError, Mistakes
from annotate.process_wide import deeper_stack, no_collection
from annotate.project import read_file
from annotate.space import SearchSpace
from runtime.loop import known_results
from runtime.nni_config import document

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


def test_no_garbage_is_collected_in_a_stack_that_is_almost_full():
    def descend(frames):
        return frames and descend(frames - 1)

    def finalize(_phase, _info):  # as any object's finalizer may
        try:
            descend(30)
        except RecursionError:
            failures.append("no stack left")

    failures = []
    threshold = gc.get_threshold()
    gc.callbacks.append(finalize)
    gc.set_threshold(1)
    try:
        with pytest.raises(AnnotateError, match="nested"):
            limits.json_value("[" * 200_000, "deep.json")
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(finalize)
    assert failures == []
    assert gc.isenabled()


def test_the_last_thread_restores_what_the_first_one_changed():
    before = sys.getrecursionlimit()
    deeper = deeper_stack(before + 10)
    with ExitStack() as second:
        with deeper, no_collection:
            second.enter_context(deeper)
            second.enter_context(no_collection)
        assert (sys.getrecursionlimit(), gc.isenabled()) == (before + 10, False)
    assert (sys.getrecursionlimit(), gc.isenabled()) == (before, True)


def test_a_file_without_an_end_is_refused(tmp_path):
    with pytest.raises(AnnotateError, match="/dev/zero is larger than 1 MiB"):
        limits.read_text(tmp_path.joinpath("/dev/zero"), limit=1 << 20)
    with pytest.raises(AnnotateError, match="/dev/zero is larger than 256 MiB"):
        read_file(tmp_path.joinpath("/dev/zero"))


def test_a_part_that_is_used_many_times_counts_each_time():
    value = [0]
    for _ in range(50):
        value = [value, value]
    with pytest.raises(AnnotateError, match="it has more than 1000 items"):
        limits.check(value, "it", items=1000)


LEVELS = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
CONFIGS = {
    "a bomb of aliases": (f"a0: &a0 [x]\n{LEVELS}", "has more than 100000 items"),
    "deep brackets": ("x: " + "[" * 300 + "]" * 300, "nested more than 100 levels deep"),
    "deep maps": ("".join(f"{' ' * n}a:\n" for n in range(300)), "nested more than 100 levels"),
    "a long number": (f"maxTrialNumber: {'9' * 5000}", "digits"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_file_beyond_a_limit_is_named(tmp_path, name):
    text, reason = CONFIGS[name]
    (tmp_path / "config.yml").write_text(text + "\n")
    with pytest.raises(AnnotateError, match=reason) as error:
        document.load(tmp_path / "config.yml")
    assert "config.yml" in str(error.value)


DEEP = "[" * 300 + "]" * 300
ANNOTATED = {
    "deep.yaml": f"lr: 0.1  # @nni.uniform(0, 1)\nx: {DEEP}\n",
    "deep.toml": f"lr = 0.1  # @nni.uniform(0, 1)\nx = {DEEP}\n",
    "deep.json5": f'{{"lr": 0.1,  // @nni.uniform(0, 1)\n"x": {DEEP}}}\n',
    "long.py": f"lr = 0.1  # @nni.uniform(0, {'9' * 5000})\n",
    "long.json5": f'{{"lr": {"9" * 5000}  // @nni.uniform(0, 1)\n}}',
    "long.toml": f"lr = {'9' * 5000}  # @nni.uniform(0, 1)\n",
    "deep.ipynb": "[" * 100_000,
}


@pytest.mark.parametrize("name", ANNOTATED)
def test_an_annotated_file_beyond_a_limit_is_a_mistake(name):
    with pytest.raises(Mistakes) as error:
        formats.expand(ANNOTATED[name].encode(), name, PurePosixPath(name))
    assert [m.path for m in error.value.mistakes] == [name]
