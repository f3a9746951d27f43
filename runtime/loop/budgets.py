"""Finds out whether a script's code names its budget, so that it may train that long by itself."""

from __future__ import annotations

from pathlib import PurePosixPath

from annotate import formats
from annotate.identifiers import names
from annotate.project import inside
from annotate.reach import reached
from annotate.snapshot import Code, read_code
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from tuners.budgets.budget import BUDGET


def names_budget(config: Config, folder: ExperimentFolder) -> bool:
    """Whether code that the trials may run names `TRIAL_BUDGET`. Raises AnnotateError."""
    code = read_code(folder.snapshot)
    if any(names(source, BUDGET) for source in code.outside):
        return True
    naming = {
        path
        for path, source in code.files.items()
        if BUDGET.encode() in source and names(formats.python(source, str(path)), BUDGET)
    }
    return bool(naming) and not naming.isdisjoint(_run(config, code))


def _run(config: Config, code: Code) -> set[PurePosixPath]:
    """The files that trials run: what the script imports, and scripts whose names its code has.

    For a line for the shell, these are the scripts that it names, or all files.
    """
    script = inside(config.path.parent, code.root) / config.path.name
    if config.command or script not in code.files:
        entries = {path: path.parent for path in code.files if path.name in config.command}
    else:
        entries = {script: inside(config.entry, code.root)}
    files: set[PurePosixPath] = set()
    waiting = list(entries or code.files)
    while waiting:
        path = waiting.pop()
        new = reached(path, code.files, entries.get(path, path.parent)) - files
        files |= new
        text = b"\n".join(code.files[path] for path in new)
        waiting += [p for p in code.files if p not in files and p.name.encode() in text]
    return files
