"""The annotated files of an experiment, and the positions of its parameters in them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from pathlib import PurePosixPath

from annotate import formats
from annotate.apply import Applied
from annotate.errors import AnnotateError
from annotate.json_value import JSON
from annotate.parameter import Parameter
from annotate.snapshot import MANIFEST
from annotate.space import SearchSpace
from runtime.core.paths import ExperimentFolder
from runtime.kept.review import look_back, written_back
from runtime.server.describe import parameter


def sources(folder: ExperimentFolder, space: SearchSpace) -> list[dict[str, JSON]]:
    """Each annotated file with its lines and the places of the parameters in it."""
    try:
        files = json.loads((folder.snapshot / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError):
        return []
    names = [name for name, about in files.items() if about["annotated"] and about["counts"]]
    return [file for name in names if (file := _file(folder, space, name)) is not None]


def apply_diff(experiment: str, number: int | None) -> dict[str, JSON]:
    """What `annotate apply` would write for a trial; without `number`, for the best one.

    Raises AnnotateError if there is no such trial, or if the source cannot be read.
    """
    past = look_back(experiment)
    trial = past.trial(number)
    files = written_back(past, trial, past.snapshot.root)
    return {
        "trial": trial.number,
        "diff": "".join(line for file in files for line in _diff(file)),
        "misfits": [
            {"name": m.name, "where": m.where, "reason": m.reason}
            for file in files
            for m in file.misfits
        ],
    }


def _diff(file: Applied) -> Iterator[str]:
    texts = [data.decode("utf-8", errors="replace") for data in (file.before, file.after)]
    before, after = (text.splitlines(keepends=True) for text in texts)
    for line in difflib.unified_diff(before, after, f"a/{file.path}", f"b/{file.path}"):
        yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"


def _file(folder: ExperimentFolder, space: SearchSpace, name: str) -> dict[str, JSON] | None:
    path = PurePosixPath(name)
    try:
        data = (folder.snapshot / "source" / path).read_bytes()
        text = formats.decode(data, name).text
        places = formats.expand(data, name, path).places
    except (OSError, AnnotateError):
        return None  # deleted or not readable as source; show the other files
    known = {p.key: p for p in space}
    return {
        "path": name,
        "lines": text.splitlines(),
        "places": [
            {**_described(space, known[place.key]), "line": place.line, "col": place.col}
            | {"written": place.written}
            for place in places
            if place.key in known
        ],
    }


def _described(space: SearchSpace, of: Parameter) -> dict[str, JSON]:
    return parameter(of, space.names[of.key])
