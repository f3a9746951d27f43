"""Creates an experiment: its folder, snapshot, staged modules and store."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import string
import time
from pathlib import Path
from typing import BinaryIO

from annotate.data.form import is_data
from annotate.errors import AnnotateError
from annotate.project import Project
from annotate.snapshot import freeze
from runtime.core import paths
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.loop.job import stage
from runtime.store import ExperimentRow, Store


def create(config: Config, project: Project, stdin: BinaryIO | None = None) -> ExperimentFolder:
    """Create an experiment, which has no driver yet. Its trials read `stdin`, if it is given."""
    folder = _new_folder()
    try:
        freeze(project, folder.snapshot)
        stage(folder.stage, project.root)
        if stdin is not None:
            with folder.stdin.open("wb") as file:
                shutil.copyfileobj(stdin, file)
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
        shutil.rmtree(folder.path, ignore_errors=True)  # leave no incomplete experiment
        if not isinstance(error, OSError):
            raise
        raise AnnotateError(
            f"{error.filename or folder.path}: {error.strerror or error}",
            hint="experiments are stored there; set ANNOTATE_HOME to use another folder",
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
                f"{folder} cannot be created: {error.strerror or error}",
                hint="experiments are stored there; set ANNOTATE_HOME to use another folder",
            ) from None
        else:
            return ExperimentFolder(folder)


def _ignore(folder: Path) -> None:
    """Keep snapshots out of a project's code if the experiments' home lies inside the project."""
    with contextlib.suppress(OSError):  # a problem with the folder is reported when it is used
        folder.mkdir(parents=True, exist_ok=True)
        mark = folder / ".gitignore"
        if not mark.exists():
            mark.write_text("*\n")


def _random_id() -> str:
    """Eight letters and digits, starting with a letter, safe in shells and option parsers."""
    letters = string.ascii_letters
    rest = letters + string.digits
    return secrets.choice(letters) + "".join(secrets.choice(rest) for _ in range(7))


def find_script(script: str) -> Path:
    """The script's absolute path. Raises AnnotateError if it is not a readable file."""
    path = Path(script).absolute()
    if path.is_dir():
        raise AnnotateError(f"{script} is a folder", hint="name the script inside it")
    if not path.is_file() and path.exists():
        raise AnnotateError(f"{script} is not a regular file", hint="name a script")
    if not path.is_file():
        raise AnnotateError(f"{script} does not exist", hint=_similar(path))
    if is_data(path.name):
        raise AnnotateError(f"{script} is not a script", hint="name the script that reads it")
    try:
        path.open("rb").close()  # os.access would ask for the real user, without capabilities
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise AnnotateError(f"{script} cannot be read: {reason}") from None
    return path


def _similar(path: Path) -> str:
    import difflib

    try:
        names = [p.name for p in path.parent.iterdir() if p.suffix == ".py"]
    except OSError:
        return f"the folder {path.parent} does not exist"
    close = difflib.get_close_matches(path.name, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"scripts there: {', '.join(sorted(names)[:5])}" if names else ""
