"""Finds the experiment or trial that a request names.

An id must be letters and digits and is compared with the existing ones; it never becomes part of a
path.
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

ExperimentId = Annotated[str, Path(pattern=_ID, description="the experiment's full id")]
MaybeExperiment = Annotated[
    str | None,
    Query(
        alias="experiment",
        pattern=_ID,
        description="the experiment's id; default: the newest running one, else the newest",
    ),
]
TrialId = Annotated[str, Path(pattern=_ID, description="the trial's id or number")]


class NotFound(AnnotateError):
    """No such experiment or trial exists."""


def experiment(experiment_id: str | None) -> ExperimentFolder:
    """The experiment with that id; without one, the newest running one, else the newest."""
    known = lookup.folders()
    if experiment_id is None:
        folder = next((f for f in known if is_held(f.lock)), known[0] if known else None)
    else:
        folder = next((f for f in known if f.id == experiment_id), None)
    if folder is None:
        name = f" {experiment_id}" if experiment_id else " yet"
        raise NotFound(f"there is no experiment{name}")
    return folder


def trial(reader: Reader, name: str) -> Trial:
    """The trial with that id or number."""
    number = int(name) if name.isdecimal() and len(name) < 16 else None
    trial = reader.trial(name=name) or (None if number is None else reader.trial(number))
    if trial is None:
        raise NotFound(f"there is no trial {name}")
    return trial
