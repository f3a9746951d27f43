"""Finds the newest experiment of a file or folder, so that no other project's is ever taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from annotate.errors import AnnotateError
from annotate.snapshot import annotated_files
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.kept import lookup
from runtime.store import Store


def newest_of(file: Path | None) -> tuple[ExperimentFolder, str]:
    """The newest experiment whose script or annotated file is `file`, and a notice.

    Links are followed; a copy of the file is another one. Without a file, the newest that was
    started in the current folder, or whose code folder it is. Raises AnnotateError if there is
    none.
    """
    if file is None:
        folder = _newest(_belongs_to(Path.cwd().resolve()))
        if folder is None:
            raise AnnotateError(
                "no experiment was started in this folder",
                hint="name the script or an experiment; annotate experiment list --all lists them",
            )
        return folder, f"Using the newest experiment of this folder, {folder.id}."
    if not file.is_file():
        raise AnnotateError(f"there is neither a file nor an experiment {str(file)!r}")
    folder = _newest(_has(file.resolve()))
    if folder is None:
        raise AnnotateError(
            f"no experiment ran {file}",
            hint="name the experiment if this is a copy of its script;"
            " annotate experiment list --all lists them",
        )
    return folder, f"Using the newest experiment of {file}, {folder.id}."


def _newest(matches: Callable[[ExperimentFolder], bool]) -> ExperimentFolder | None:
    return next((folder for folder in lookup.folders() if _is(folder, matches)), None)


def _is(folder: ExperimentFolder, matches: Callable[[ExperimentFolder], bool]) -> bool:
    """A damaged experiment matches nothing."""
    try:
        return matches(folder)
    except AnnotateError:
        return False


def _has(path: Path) -> Callable[[ExperimentFolder], bool]:
    def has(folder: ExperimentFolder) -> bool:
        root, annotated = annotated_files(folder.snapshot)
        if any((root / file).resolve() == path for file in annotated):
            return True
        config = _config(folder)
        return not config.command and config.path.resolve() == path

    return has


def _belongs_to(here: Path) -> Callable[[ExperimentFolder], bool]:
    def belongs(folder: ExperimentFolder) -> bool:
        root, _ = annotated_files(folder.snapshot)
        return here in (root, Path(_config(folder).cwd).resolve())

    return belongs


def _config(folder: ExperimentFolder) -> Config:
    with Store.open(folder.store) as store:
        return Config.from_json(store.experiment().config)
