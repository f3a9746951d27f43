"""docs/gpus.md quotes the reasons to wait as the program prints them."""

from pathlib import Path

import pytest

from runtime.cli.run import arguments
from runtime.gpus import waiting
from runtime.gpus.waiting import RULES, Block, Wait

PAGE = Path(__file__).parents[2] / "docs" / "gpus.md"
GIB = 1 << 30

#: By rule: its meaning, and the fields of an example.
EXAMPLES = {
    "leased": (
        "another experiment holds the GPU",
        {"pid": 4242, "user": "ada", "experiment": "Kq3xPz0a"},
    ),
    "full": (
        "this experiment's own trials fill it",
        {"trials": "trial 3", "limit": "--trials-per-gpu is 1"},
    ),
    "alone": ("a trial that ran out of memory must run alone", {"trials": "trial 3, trial 5"}),
    "computes": (
        "another program uses it",
        {"pid": 812, "process": "python train.py", "user": "grace", "memory": 13 * GIB},
    ),
    "unseen": (
        "a program uses it that is not visible on this machine or in this container",
        {"pid": 812, "memory": 13 * GIB},
    ),
    "left": (
        "a process of an ended trial still uses it",
        {"trials": "trial 2", "pid": 813, "process": "python", "user": "ada", "memory": 3 * GIB},
    ),
    "memory": ("its memory is in use by no visible process", {"memory": 4 * GIB}),
    "trouble": (
        "NVML cannot read it",
        {"limit": "reports an error: GPU is lost"},
    ),
    "slow": ("NVML is slow to read it", {}),
    "quarantined": (
        "it failed recently",
        {
            "limit": "until 14:13:22: 2 trials in a row failed at their start on it, but other "
            "trials worked on GPU 1"
        },
    ),
    "mode": ("its compute mode forbids processes", {}),
    "gone": ("a MIG instance was removed", {}),
    "nvml": ("NVML does not work at all", {"limit": "cannot be read: NVMLError: Unknown Error"}),
    "machine": (
        "another machine cannot be reached, or is full",
        {"machine": "alpha", "limit": "cannot be reached: Connection refused"},
    ),
}


def test_the_page_quotes_every_reason(monkeypatch):
    monkeypatch.setattr(waiting, "clock", lambda when: "14:03:22")
    rows = ["| rule | meaning | message |", "| --- | --- | --- |"]
    for rule, (meaning, fields) in EXAMPLES.items():
        rows.append(f"| `{rule}` | {meaning} | {Block(rule, '0', 0.0, **fields)} |")
    table = "\n".join(rows)
    page = PAGE.read_text()
    assert page.partition("<!-- rules -->\n")[2].partition("\n<!-- end -->")[0] == table


def test_every_rule_has_an_example():
    assert list(EXAMPLES) == list(RULES)


@pytest.mark.parametrize("option", ["--gpus", "--gpu-indices", "--trials-per-gpu", "--concurrency"])
def test_the_page_names_options_of_run(option):
    import argparse

    parser = argparse.ArgumentParser()
    arguments(parser)
    assert option in parser.format_help()
    assert f"`{option} " in PAGE.read_text()


def test_a_trial_that_needs_two_gpus_lists_every_reason():
    blocks = tuple(Block("mode", gpu, 0.0) for gpu in "01")
    text = str(Wait(2, blocks))
    assert text.startswith("waits for 2 GPUs: GPU 0 allows no compute processes")
    assert "; GPU 1 allows no compute processes" in text
