"""The annotated files of an experiment as they were written, and where its parameters stand."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from pathlib import PurePosixPath

from annotate import formats
from annotate.apply import Applied
from annotate.errors import AnnotateError
from annotate.json_value import JSON
from annotate.snapshot import MANIFEST
from annotate.space import Parameter, SearchSpace
from runtime.core.paths import ExperimentFolder
from runtime.kept.review import look_back, written_back
from runtime.server.describe import parameter


def sources(folder: ExperimentFolder, space: SearchSpace) -> list[dict[str, JSON]]:
    """Each annotated file with its lines and the places of the space's parameters in it."""
    try:
        files = json.loads((folder.snapshot / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError):
        return []
    names = [name for name, about in files.items() if about["annotated"] and about["counts"]]
    return [found for name in names if (found := _file(folder, space, name)) is not None]


def apply_diff(experiment: str, number: int | None) -> dict[str, JSON]:
    """What `annotate apply` would write for a trial, the best one where none is named.

    Raises AnnotateError where there is no such trial, or no source that could be read.
    """
    past = look_back(experiment)
    trial = past.trial(number)
    done = written_back(past, trial, past.snapshot.root)
    return {
        "trial": trial.number,
        "diff": "".join(line for one in done for line in _diff(one)),
        "misfits": [
            {"name": m.name, "where": m.where, "reason": m.reason}
            for one in done
            for m in one.misfits
        ],
    }


def _diff(one: Applied) -> Iterator[str]:
    texts = [data.decode("utf-8", errors="replace") for data in (one.before, one.after)]
    before, after = (text.splitlines(keepends=True) for text in texts)
    for line in difflib.unified_diff(before, after, f"a/{one.path}", f"b/{one.path}"):
        yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"


def _file(folder: ExperimentFolder, space: SearchSpace, name: str) -> dict[str, JSON] | None:
    path = PurePosixPath(name)
    try:
        data = (folder.snapshot / "source" / path).read_bytes()
        text = formats.decode(data, name).text
        found = formats.expand(data, name, path).places
    except (OSError, AnnotateError):
        return None  # no Python, or gone: the other files are still worth to be seen
    known = {p.key: p for p in space}
    return {
        "path": name,
        "lines": text.splitlines(),
        "places": [
            {**_described(space, known[place.key]), "line": place.line, "col": place.col}
            | {"written": place.written}
            for place in found
            if place.key in known
        ],
    }


def _described(space: SearchSpace, of: Parameter) -> dict[str, JSON]:
    return parameter(of, space.names[of.key])
