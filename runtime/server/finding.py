"""From what a request names to an experiment or a trial that there is.

An id is checked by its form and then looked for among those that there are; none ever becomes
part of a path.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from annotate.errors import AnnotateError
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import Trial
from runtime.kept import lookup
from runtime.store.reader import Reader
from runtime.system.lock import is_held

_ID = r"^[A-Za-z0-9]{1,32}$"

ExperimentId = Annotated[str, Path(pattern=_ID, description="the experiment's whole id")]
MaybeExperiment = Annotated[
    str | None,
    Query(
        alias="experiment",
        pattern=_ID,
        description="the experiment's id; without it the newest that runs, else the newest",
    ),
]
TrialId = Annotated[str, Path(pattern=_ID, description="the trial's id, or its number")]


class NotFound(AnnotateError):
    """There is no such experiment or trial."""


def experiment(given: str | None) -> ExperimentFolder:
    """The experiment of that id; without one the newest that runs, else the newest."""
    known = list(lookup.folders())
    if given is None:
        found = next((f for f in known if is_held(f.lock)), known[0] if known else None)
    else:
        found = next((f for f in known if f.id == given), None)
    if found is None:
        raise NotFound("there is no experiment" + (f" {given}" if given else ""))
    return found


def trial(reader: Reader, given: str) -> Trial:
    """The trial of that id, or of that number."""
    number = int(given) if given.isdecimal() and len(given) < 16 else None
    found = reader.trial(name=given) or (None if number is None else reader.trial(number))
    if found is None:
        raise NotFound(f"there is no trial {given}")
    return found
