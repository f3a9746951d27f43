"""The commands and options that the docs mention exist."""

import re
from pathlib import Path

import pytest

from runtime.cli import COMMANDS

ROOT = Path(__file__).parents[3]
TABLE = (ROOT / "docs" / "commands.md").read_text()


def named(text):
    """Maps each command line in the text to its command's name."""
    names = sorted((name for name, _, _ in COMMANDS), key=len, reverse=True)
    for line in re.findall(r"`(?:nnictl|annotate) ([^`]+)`", text):
        line = " ".join(line.split())
        yield line, next((n for n in names if f"{line} ".startswith(f"{n} ")), None)


def test_the_page_has_every_command():
    assert {name for _, name in named(TABLE)} >= {name for name, _, _ in COMMANDS}


@pytest.mark.parametrize("page", ["README.md", "docs/commands.md"])
def test_commands_and_options_on_the_pages_exist(page, annotate):
    text = (ROOT / page).read_text()
    options = {}
    for line, name in named(text):
        assert name is not None or line.startswith(("COMMAND", "--")), line
        options.setdefault(name, set()).update(re.findall(r"(?<= )--?[a-z][a-z_-]*", line))
    for name, wanted in options.items():
        if name is not None:
            words = set(re.findall(r"--?[a-z][a-z_-]*", annotate(*name.split(), "--help").stdout))
            assert wanted <= words, name
