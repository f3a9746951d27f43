"""The script or module that a command is about, and its code folder."""

from __future__ import annotations

import argparse
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from annotate.errors import AnnotateError


@dataclass(frozen=True, slots=True)
class Target:
    """`script` is the path as the user would type it, relative to the current folder; `module` is
    the name after -m, or "". `entry` is the folder in which the program finds its own modules.
    """

    script: str
    path: Path
    root: Path
    entry: Path
    module: str = ""

    @property
    def shown(self) -> str:
        return f"-m {self.module}" if self.module else self.script


def arguments(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add the options that say how to run the positional argument, and where its code is."""
    parser.add_argument(
        "-m",
        "--module",
        action="store_true",
        help="run a module, like python -m: name pkg.train instead of pkg/train.py",
    )
    parser.add_argument(
        "--code-folder",
        type=Path,
        metavar="DIR",
        help="take the snapshot of the code below DIR (default: the script's folder; with -m, the"
        " current one)",
    )


def target(name: str, args: argparse.Namespace) -> Target:
    """What `name` means with these options. Raises AnnotateError if it cannot be run like that."""
    from runtime.driver.create import find_script
    from runtime.system.modules import find_module, needs_module

    root = None if args.code_folder is None else args.code_folder.absolute()
    if args.module:
        path, entry = find_module(name, Path.cwd(), os.environ)
        return Target(os.path.relpath(path), path, root or entry, entry, name)
    path = find_script(name)
    if module := needs_module(path):
        raise AnnotateError(
            f"{name} uses relative imports, so Python runs it only as a module",
            hint=f"{_change_folder(path, module)}annotate run -m {module}",
        )
    return Target(name, path, root or path.parent, path.parent)


def _change_folder(path: Path, module: str) -> str:
    """The command that leads to the folder in which `python -m` finds the module, if needed."""
    inside = path.stem == "__main__"
    top = path.parents[module.count(".") + inside]
    return "" if top.samefile(Path.cwd()) else f"cd {shlex.quote(str(top))} && "
