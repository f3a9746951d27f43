"""Remove folders that were left half created or half deleted by a crash.

Results are never touched; `annotate experiment delete` removes those."""

from __future__ import annotations

import argparse
import shutil
import time

from runtime.cli import terminal
from runtime.system.units import count

_OLD = 600.0  # seconds; a younger folder may still be under construction


def arguments(parser: argparse.ArgumentParser) -> None:
    # NNI requires its platform's configuration here; we need none.
    parser.add_argument("-c", "--config", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from runtime.core import paths
    from runtime.kept import lookup
    from runtime.system.lock import is_held

    unfinished = [folder.path for folder in lookup.unfinished() if not is_held(folder.lock)]
    old = [path for path in unfinished if time.time() - path.stat().st_mtime > _OLD]
    removed = [*old, *paths.experiments().glob(".removed-*")]
    for path in removed:
        shutil.rmtree(path, ignore_errors=True)
    removal = f"Removed {count(len(removed), 'folder')}."
    terminal.show(removal if removed else "There was nothing to remove.")
    return 0
