"""docs/nni.md: its rows are complete, and what is not here is named as the program names it."""

import re
from pathlib import Path

import pytest

import tuners
from annotate.not_here import NETWORKS
from annotate.space import SearchSpace
from tuners import TunerError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "nni.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| feature"))
]
SPACE = SearchSpace.from_json({"x": {"_type": "uniform", "_value": [0, 1]}})


def test_every_row_says_what_is_here_and_since_when():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## ([\d.]+)", changes, re.M)
    assert ROWS
    for row in ROWS:
        assert len(row) == 4, row
        assert row[3] in (*versions, "–"), row
        assert (row[3] == "–") == row[2].startswith(("not here", "refused: an experiment")), row


@pytest.mark.parametrize("name", ["PPOTuner", "NetworkMorphism", "ENAS", "DARTS", "DNGOTuner"])
def test_tuners_that_are_not_here_are_on_the_page_and_refused(name):
    with pytest.raises(TunerError, match=f"{name} is not here"):
        tuners.create(name, SPACE, seed=0)
    absent = " ".join(row[0] for row in ROWS if row[3] == "–")
    assert name in absent.replace("Network Morphism", "NetworkMorphism")


def test_annotations_that_are_not_here_are_on_the_page():
    absent = " ".join(row[0] for row in ROWS if row[3] == "–")
    assert NETWORKS - {"mutable_layer", "training_update"} <= set(re.findall(r"\w+", absent))
