"""The page of the GPUs says what the program says."""

from pathlib import Path

import pytest

from runtime.cli.run import arguments
from runtime.gpus import waiting
from runtime.gpus.waiting import RULES, Block, Wait

PAGE = Path(__file__).parents[2] / "docs" / "gpus.md"
GIB = 1 << 30

#: From rule to what it is about and an example of it.
EXAMPLES = {
    "leased": ("another experiment has it", {"pid": 4242, "user": "ada", "experiment": "Kq3xPz0a"}),
    "full": (
        "this experiment's own trials are on it",
        {"trials": "trial 3", "limit": "--trials-per-gpu is 1"},
    ),
    "alone": ("a trial that ran out of memory beside others", {"trials": "trial 3, trial 5"}),
    "computes": (
        "somebody computes on it",
        {"pid": 812, "process": "python train.py", "user": "grace", "memory": 13 * GIB},
    ),
    "unseen": (
        "somebody computes on it whom this machine, or container, does not show",
        {"pid": 812, "memory": 13 * GIB},
    ),
    "left": (
        "a process of a trial has outlived it",
        {"trials": "trial 2", "pid": 813, "process": "python", "user": "ada", "memory": 3 * GIB},
    ),
    "memory": ("memory stays, and nobody holds it", {"memory": 4 * GIB}),
    "trouble": (
        "NVML can't tell of it",
        {"limit": "gives an error: GPU is lost"},
    ),
    "slow": ("NVML takes its time", {}),
    "aside": (
        "it is not trusted for now",
        {
            "limit": "until 14:13:22: 2 trials in a row failed on it at their start, while others "
            "did well on GPU 1"
        },
    ),
    "mode": ("its compute mode", {}),
    "gone": ("an instance was taken away", {}),
    "nvml": ("nothing can be read at all", {"limit": "can't be read: NVMLError: Unknown Error"}),
}


def test_every_reason_stands_on_the_page_as_it_is_said(monkeypatch):
    monkeypatch.setattr(waiting, "clock", lambda when: "14:03:22")
    rows = ["| rule | what is in the way | as it is said |", "| --- | --- | --- |"]
    for rule, (about, words) in EXAMPLES.items():
        rows.append(f"| `{rule}` | {about} | {Block(rule, '0', 0.0, **words)} |")
    table = "\n".join(rows)
    page = PAGE.read_text()
    assert page.partition("<!-- rules -->\n")[2].partition("\n<!-- end -->")[0] == table


def test_every_rule_has_an_example():
    assert list(EXAMPLES) == list(RULES)


@pytest.mark.parametrize("option", ["--gpus", "--gpu-indices", "--trials-per-gpu", "--concurrency"])
def test_the_pages_options_are_those_of_run(option):
    import argparse

    parser = argparse.ArgumentParser()
    arguments(parser)
    assert option in parser.format_help()
    assert f"`{option} " in PAGE.read_text()


def test_a_trial_that_needs_two_has_every_reason():
    blocks = tuple(Block("mode", gpu, 0.0) for gpu in "01")
    text = str(Wait(2, blocks))
    assert text.startswith("waits for 2 GPUs: GPU 0 lets nobody compute")
    assert "; GPU 1 lets nobody compute" in text
