"""Remove folders that were left half created or half deleted by a crash.

Results are never touched; `annotate experiment delete` removes those."""

from __future__ import annotations

import argparse
import shutil
import time

_OLD = 600.0  # seconds; a younger folder may still be under construction


def arguments(parser: argparse.ArgumentParser) -> None:
    # NNI requires its platform's configuration here; we need none.
    parser.add_argument("-c", "--config", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from runtime.core import paths
    from runtime.core.paths import ExperimentFolder
    from runtime.system.lock import is_held

    parent = paths.experiments()
    removed = 0
    for path in sorted(parent.iterdir()) if parent.is_dir() else ():
        folder = ExperimentFolder(path)
        half = path.is_dir() and not folder.store.is_file() and not is_held(folder.lock)
        removing = path.name.startswith(".removed-")
        if removing or (half and time.time() - path.stat().st_mtime > _OLD):
            shutil.rmtree(path, ignore_errors=True)
            removed += 1
    noun = "folder" if removed == 1 else "folders"
    print(f"Removed {removed} {noun}." if removed else "There was nothing to remove.")
    return 0
