"""Data formats: how to read and write a file, by its suffix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from annotate.json_value import JSON

if TYPE_CHECKING:  # the search space only checks file names and must not import parsers
    from annotate.data.entry import Contents

SUFFIXES = (".yaml", ".yml", ".toml", ".json", ".jsonc", ".json5")


@dataclass(frozen=True, slots=True)
class Form:
    """A data format; `mark` starts a comment.

    `read` finds the entries of a text, `load` evaluates a literal, and `write` turns a value into
    a literal in the style of another literal.
    """

    name: str
    mark: str
    read: Callable[[str], Contents]
    load: Callable[[str], JSON]
    write: Callable[[JSON, str], str]


def is_data(path: str) -> bool:
    """Whether a file with this name is a data file."""
    return path.lower().endswith(SUFFIXES)


def form_of(path: str) -> Form:
    """The format of a data file."""
    return _form(PurePath(path).suffix.lower())


@cache
def _form(suffix: str) -> Form:
    # Parsers are imported only when a file needs them.
    if suffix == ".toml":
        from annotate.data import toml_text as text

        return Form("TOML", "#", text.read, text.load, text.write)
    if suffix in (".yaml", ".yml"):
        from annotate.data import yaml_text

        return Form("YAML", "#", yaml_text.read, yaml_text.load, yaml_text.write)
    from annotate.data import json_text

    return Form("JSON", "//", json_text.read, json_text.load, json_text.write)
