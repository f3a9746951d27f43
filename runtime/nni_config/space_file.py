"""Reads a search space file: the one reader of every command and of config files."""

from __future__ import annotations

from pathlib import Path

from annotate.errors import SpaceError
from annotate.space import SearchSpace
from runtime.nni_config.document import load


def read_space(path: Path) -> SearchSpace:
    """The search space in `path`: YAML if it is named `.yml` or `.yaml`, otherwise JSON.

    Raises AnnotateError that names the file, with the place of a syntax error.
    """
    if path.suffix.lower() not in (".yml", ".yaml"):
        return SearchSpace.read(path)
    data = load(path).data
    try:
        return SearchSpace.from_json(data)
    except SpaceError as error:
        raise SpaceError(f"{path}: {error}", hint=error.hint) from None
