"""Finds an experiment by the id, or its prefix, that the user typed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from annotate.errors import AnnotateError
from runtime.core import paths
from runtime.core.paths import ExperimentFolder
from runtime.system.lock import is_held

_ID = re.compile(r"[A-Za-z0-9]{1,32}")


def folders() -> Iterator[ExperimentFolder]:
    """All experiments, newest first."""
    parent = paths.experiments()
    known = (
        [p for p in parent.iterdir() if (p / "experiment.db").is_file()] if parent.is_dir() else []
    )
    newest_first = sorted(known, key=lambda p: (p / "stage").stat().st_mtime, reverse=True)
    return (ExperimentFolder(path) for path in newest_first)


def find(prefix: str | None) -> tuple[ExperimentFolder, str]:
    """The experiment whose id starts with `prefix`, and a notice if the choice needs one.

    Without `prefix`: the running experiment, else the newest. Raises AnnotateError if there is no
    such experiment, or more than one.
    """
    known = list(folders())
    if not known:
        raise AnnotateError(
            f"there is no experiment in {paths.experiments()}",
            hint="start one with: annotate run train.py",
        )
    if prefix is None:
        return _default(known)
    if not _ID.fullmatch(prefix):
        raise AnnotateError(
            f"{prefix!r} is not an experiment id", hint="ids consist of letters and digits"
        )
    matches = [f for f in known if f.id == prefix] or [f for f in known if f.id.startswith(prefix)]
    if len(matches) == 1:
        return matches[0], ""
    if matches:
        ids = ", ".join(folder.id for folder in matches[:5])
        raise AnnotateError(f"several experiments match {prefix!r}", hint=f"use one of: {ids}")
    raise AnnotateError(
        f"there is no experiment {prefix!r}", hint="list them with: annotate experiment list --all"
    )


def _default(known: list[ExperimentFolder]) -> tuple[ExperimentFolder, str]:
    running = [folder for folder in known if is_held(folder.lock)]
    if len(running) > 1:
        ids = ", ".join(folder.id for folder in running[:5])
        raise AnnotateError("several experiments are running", hint=f"use one of: {ids}")
    if running:
        return running[0], ""
    return known[0], f"No experiment is running; using the newest, {known[0].id}."
