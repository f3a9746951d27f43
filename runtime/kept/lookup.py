"""Finds an experiment by the id, or its prefix, that the user typed."""

from __future__ import annotations

import os
import re
from contextlib import suppress

from annotate.errors import AnnotateError
from runtime.core import paths
from runtime.core.paths import ExperimentFolder
from runtime.store import Store, StoreError
from runtime.system.lock import is_held

_ID = re.compile(r"[A-Za-z0-9]{1,32}")


def folders() -> list[ExperimentFolder]:
    """All experiments, newest first, including damaged ones; any may vanish at any time."""
    return sorted(filter(_is_experiment, _entries()), key=_created, reverse=True)


def unfinished() -> list[ExperimentFolder]:
    """Folders of experiments that were never fully created."""
    return [f for f in _entries() if f.path.is_dir() and not _is_experiment(f)]


def _entries() -> list[ExperimentFolder]:
    try:
        entries = sorted(paths.experiments().iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise AnnotateError(f"{error.filename} cannot be read: {error.strerror}") from None
    return [ExperimentFolder(path) for path in entries if _ID.fullmatch(path.name)]


def _is_experiment(folder: ExperimentFolder) -> bool:
    """Whether it was ever complete: it has a store or a log, or something took its place."""
    if folder.path.is_symlink() or not folder.path.is_dir():
        return os.path.lexists(folder.path)
    return os.path.lexists(folder.store) or os.path.lexists(folder.log)


def _created(folder: ExperimentFolder) -> float:
    """When it was created, judging by the files that exist; 0 if the folder is gone."""
    for path in (folder.stage, folder.path):
        with suppress(OSError):
            return path.stat().st_mtime
    return 0.0


def find(prefix: str | None) -> tuple[ExperimentFolder, str]:
    """The experiment whose id starts with `prefix`, and a notice if the choice needs one.

    Without `prefix`: the running experiment, else the newest. Raises AnnotateError if there is no
    such experiment, or more than one.
    """
    known = folders()
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
    newest = next(filter(_can_be_read, known), known[0])
    return newest, f"No experiment is running; using the newest, {newest.id}."


def _can_be_read(folder: ExperimentFolder) -> bool:
    try:
        with Store.open(folder.store) as store:
            store.experiment()
            store.count_trials()
    except StoreError:
        return False
    return True
