"""Finding an experiment by what a person typed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from annotate.errors import AnnotateError
from runtime.core import paths
from runtime.core.paths import ExperimentFolder
from runtime.system.lock import is_held

_ID = re.compile(r"[A-Za-z0-9]{1,32}")


def folders() -> Iterator[ExperimentFolder]:
    """Every experiment, the newest first."""
    above = paths.experiments()
    found = (
        [p for p in above.iterdir() if (p / "experiment.db").is_file()] if above.is_dir() else []
    )
    newest_first = sorted(found, key=lambda p: (p / "stage").stat().st_mtime, reverse=True)
    return (ExperimentFolder(path) for path in newest_first)


def find(given: str | None) -> tuple[ExperimentFolder, str]:
    """The experiment whose id begins with `given`, and a sentence where it was not named.

    Without `given`, the one that runs, else the newest. Raises AnnotateError where there is none,
    or more than one that could be meant.
    """
    known = list(folders())
    if not known:
        raise AnnotateError(
            f"there is no experiment in {paths.experiments()}",
            hint="annotate run train.py starts one",
        )
    if given is None:
        return _unnamed(known)
    if not _ID.fullmatch(given):
        raise AnnotateError(f"{given!r} is no experiment's id", hint="ids are letters and digits")
    meant = [f for f in known if f.id == given] or [f for f in known if f.id.startswith(given)]
    if len(meant) == 1:
        return meant[0], ""
    if meant:
        ids = ", ".join(folder.id for folder in meant[:5])
        raise AnnotateError(
            f"{given!r} could be more than one experiment", hint=f"say which: {ids}"
        )
    raise AnnotateError(
        f"there is no experiment {given!r}", hint="annotate experiment list --all shows them"
    )


def _unnamed(known: list[ExperimentFolder]) -> tuple[ExperimentFolder, str]:
    running = [folder for folder in known if is_held(folder.lock)]
    if len(running) > 1:
        ids = ", ".join(folder.id for folder in running[:5])
        raise AnnotateError("more than one experiment runs", hint=f"say which: {ids}")
    if running:
        return running[0], ""
    return known[0], f"no experiment runs; this is the newest, {known[0].id}"
