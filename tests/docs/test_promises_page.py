"""The page of promises names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_promise_names_an_existing_test():
    page = (ROOT / "docs" / "promises.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("|") and "`test_" in line]
    assert len(rows) > 25
    named = set(re.findall(r"`(test_\w+)`", page))
    sources = [path.read_text() for path in (ROOT / "tests").rglob("*.py")]
    there = {name for text in sources for name in re.findall(r"^ *def (test_\w+)\(", text, re.M)}
    assert named <= there, named - there
