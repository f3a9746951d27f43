"""The forms of data: how a file of each kind is read and written, by its suffix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from annotate.json_value import JSON

if TYPE_CHECKING:  # the search space knows files of data by their names, and needs no parser
    from annotate.data.entry import Contents

SUFFIXES = (".yaml", ".yml", ".toml", ".json", ".jsonc", ".json5")


@dataclass(frozen=True, slots=True)
class Form:
    """`read` finds the entries of a text, `load` gives the value of a literal, and `write` the
    literal of a value in the style of another one. `mark` begins a comment."""

    name: str
    mark: str
    read: Callable[[str], Contents]
    load: Callable[[str], JSON]
    write: Callable[[JSON, str], str]


def is_data(path: str) -> bool:
    """Whether a file of that name is one of data."""
    return path.lower().endswith(SUFFIXES)


def form_of(path: str) -> Form:
    """The form of a file of data."""
    return _form(PurePath(path).suffix.lower())


@cache
def _form(suffix: str) -> Form:
    # The parsers are imported where a file needs them.
    if suffix == ".toml":
        from annotate.data import toml_text as text

        return Form("TOML", "#", text.read, text.load, text.write)
    if suffix in (".yaml", ".yml"):
        from annotate.data import yaml_text

        return Form("YAML", "#", yaml_text.read, yaml_text.load, yaml_text.write)
    from annotate.data import json_text

    return Form("JSON", "//", json_text.read, json_text.load, json_text.write)
