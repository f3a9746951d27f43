"""Reads a search space file: the one reader of every command and of config files."""

from __future__ import annotations

from pathlib import Path

from annotate.errors import SpaceError
from annotate.json_value import JSON
from annotate.space import SearchSpace, read_json
from runtime import custom
from runtime.nni_config.document import load


def read_space(path: Path, tuner: str = "") -> SearchSpace:
    """The search space in `path`: YAML if it is named `.yml` or `.yaml`, otherwise JSON.

    If `tuner` refers to the user's own class, the space may have any format (see `space_for`).
    Raises AnnotateError that names the file, with the place of a syntax error.
    """
    is_yaml = path.suffix.lower() in (".yml", ".yaml")
    if not is_yaml and not custom.is_custom(tuner):
        return SearchSpace.read(path)
    data = load(path).data if is_yaml else read_json(path)
    try:
        return space_for(tuner, data)
    except SpaceError as error:
        raise SpaceError(f"{path}: {error}", hint=error.hint) from None


def space_for(tuner: str, data: JSON) -> SearchSpace:
    """The search space that `data` describes, in NNI's format or one of the user's own tuner.

    Raises SpaceError if it is not in NNI's format and `tuner` is built in.
    """
    try:
        return SearchSpace.from_json(data)
    except SpaceError:
        if not custom.is_custom(tuner):
            raise
        return SearchSpace.of_foreign(data)


def note(space: SearchSpace, where: str) -> list[str]:
    """What the user should know about a foreign space; `where` it is."""
    if not space.foreign:
        return []
    try:
        SearchSpace.from_json(space.to_json())
    except SpaceError as error:
        return [f"{where}: not in NNI's format ({error}), so only your tuner reads it"]
    return []
