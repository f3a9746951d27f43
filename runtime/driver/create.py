"""Making an experiment: its folder, the snapshot, what trials import, its store."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import string
import time
from pathlib import Path

from annotate.data.form import is_data
from annotate.errors import AnnotateError
from annotate.project import Project
from annotate.snapshot import freeze
from runtime.core import paths
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.loop.job import stage
from runtime.store import ExperimentRow, Store


def create(config: Config, project: Project) -> ExperimentFolder:
    """Make a new experiment, which has no driver yet."""
    folder = _new_folder()
    try:
        freeze(project, folder.snapshot)
        stage(folder.stage, project.root)
        folder.trials.mkdir()
        row = ExperimentRow(
            id=folder.id,
            name=config.name,
            state="INITIALIZED",
            reason=None,
            config=config.to_json(),
            space=project.space,
            created=time.time(),
            ended=None,
        )
        Store.create(folder.store, row).close()
    except BaseException as error:
        shutil.rmtree(folder.path, ignore_errors=True)  # half an experiment is none
        if not isinstance(error, OSError):
            raise
        raise AnnotateError(
            f"{error.filename or folder.path}: {error.strerror or error}",
            hint="experiments are kept there; ANNOTATE_HOME names another folder",
        ) from None
    return folder


def _new_folder() -> ExperimentFolder:
    above = paths.experiments()
    _ignore(above)
    while True:
        folder = above / _random_id()
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not folder.is_dir():
                raise
        except OSError as error:
            raise AnnotateError(
                f"{folder} cannot be made: {error.strerror or error}",
                hint="experiments are kept there; ANNOTATE_HOME names another folder",
            ) from None
        else:
            return ExperimentFolder(folder)


def _ignore(folder: Path) -> None:
    """Where a home lies inside a project, its snapshots are no part of the project's code."""
    with contextlib.suppress(OSError):  # what is wrong with the folder is said when it is used
        folder.mkdir(parents=True, exist_ok=True)
        mark = folder / ".gitignore"
        if not mark.exists():
            mark.write_text("*\n")


def _random_id() -> str:
    """Eight letters and digits, a letter first, so that no shell and no option parser minds."""
    letters = string.ascii_letters
    rest = letters + string.digits
    return secrets.choice(letters) + "".join(secrets.choice(rest) for _ in range(7))


def find_script(script: str) -> Path:
    """The script's whole path; raises AnnotateError where it is no file that can be read."""
    path = Path(script).absolute()
    if path.is_dir():
        raise AnnotateError(f"{script} is a folder", hint="name the script in it")
    if not path.is_file():
        raise AnnotateError(f"{script} does not exist", hint=_similar(path))
    if is_data(path.name):
        raise AnnotateError(f"{script} is no script", hint="name the script that reads it")
    if not os.access(path, os.R_OK):
        raise AnnotateError(f"{script} cannot be read: permission denied")
    return path


def _similar(path: Path) -> str:
    import difflib

    try:
        names = [p.name for p in path.parent.iterdir() if p.suffix == ".py"]
    except OSError:
        return f"there is no folder {path.parent}"
    close = difflib.get_close_matches(path.name, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"the scripts there are {', '.join(sorted(names)[:5])}" if names else ""
