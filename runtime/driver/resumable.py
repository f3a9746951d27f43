"""Checks, before anything is written, that an experiment still has what its trials need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from annotate.errors import AnnotateError
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.loop.change_space import finish_replacing


def check_resumable(folder: ExperimentFolder, config: Config) -> None:
    """Raise AnnotateError that names what is gone: a folder of its own or the user's, or Python."""
    finish_replacing(folder)
    for part in (folder.stage, folder.snapshot):
        if not part.is_dir():
            raise AnnotateError(
                f"experiment {folder.id} cannot be resumed: {part} is gone",
                hint="its results can still be read; start a new experiment with: annotate run",
            )
    for users in dict.fromkeys((config.cwd, _code_folder(folder))):
        if not Path(users).is_dir():
            raise AnnotateError(
                f"experiment {folder.id} cannot be resumed: its project folder {users} is gone",
                hint="move the project back, or start a new experiment with: annotate run",
            )
    if not config.command and shutil.which(config.python) is None:
        raise AnnotateError(
            f"experiment {folder.id} cannot be resumed: its interpreter {config.python} is gone",
            hint="install it again, or start a new experiment with: annotate run",
        )


def _code_folder(folder: ExperimentFolder) -> str:
    try:
        return os.fsdecode((folder.stage / "root").read_bytes())
    except OSError:
        return "/"  # an early version kept none
