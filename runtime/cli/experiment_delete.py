"""Delete an experiment: its results, logs and the trials' output folders.

Your own files are not touched. On a terminal, the command asks first; without one, --all needs
--yes."""

from __future__ import annotations

import argparse
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from runtime.cli import selection, terminal
from runtime.system.units import count

if TYPE_CHECKING:
    from runtime.core.paths import ExperimentFolder


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    parser.add_argument(
        "-a", "--all", action="store_true", help="delete all experiments that are not running"
    )
    parser.add_argument(
        "-y", "--yes", "--force", action="store_true", help="do not ask for confirmation"
    )


def run(args: argparse.Namespace) -> int:
    from runtime.kept import lookup
    from runtime.system.lock import is_held

    if args.all or args.id == "all":
        folders = [f for f in lookup.folders() if not is_held(f.lock)]
        if folders and not (args.yes or _has_terminal()):
            raise AnnotateError(
                f"this would delete {count(len(folders), 'experiment')}, and there is no terminal"
                " to ask",
                hint="add --yes to delete them without a question",
            )
    elif args.id is None:
        raise AnnotateError(
            "name the experiment to delete", hint="list them with: annotate experiment list --all"
        )
    else:
        folders = [selection.experiment(args.id)]
    sizes = {folder.id: _size(folder.path) for folder in folders}
    if not (args.yes or _confirm(sizes)):
        terminal.show("Nothing was deleted.")
        return 0
    if not folders:
        terminal.show("There is nothing to delete.")

    def remove(folder: ExperimentFolder) -> None:
        _remove(folder)
        terminal.show(f"Deleted experiment {folder.id} (freed {_bytes(sizes[folder.id])}).")

    return selection.each(folders, remove)


def _remove(folder: ExperimentFolder) -> None:
    from runtime.system.lock import Held, Lock

    try:
        if folder.path.is_symlink() or not folder.path.is_dir():
            folder.path.unlink()  # a link's target is not ours to delete
            return
        with Lock(folder.lock).acquire():
            # Rename it first, so that nobody finds half an experiment.
            removed = folder.path.with_name(f".removed-{folder.id}")
            folder.path.rename(removed)
            shutil.rmtree(removed)
    except Held:
        raise AnnotateError(
            f"experiment {folder.id} is running", hint=f"stop it with: annotate stop {folder.id}"
        ) from None
    except OSError as error:
        raise AnnotateError(
            f"cannot delete {error.filename or folder.path}: {error.strerror or error}"
        ) from None


def _confirm(sizes: dict[str, int]) -> bool:
    if not sizes or not _has_terminal():
        return True
    listed = ", ".join(f"{name} ({_bytes(size)})" for name, size in sizes.items())
    return input(f"Delete {listed} permanently? [y/N] ").strip().lower() in ("y", "yes")


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _size(folder: Path) -> int:
    """Bytes on disk, without the targets of links."""
    if folder.is_symlink():
        return 0
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # deleted by something else
            total += path.lstat().st_blocks * 512
    return total


def _bytes(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
