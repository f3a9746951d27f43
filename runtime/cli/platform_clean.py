"""Remove what experiments whose drivers died have left: half-made and half-removed folders.

Results are never touched; `annotate experiment delete` removes those."""

from __future__ import annotations

import argparse
import shutil
import time

_OLD = 600.0  # seconds; what is younger may be just being made


def arguments(parser: argparse.ArgumentParser) -> None:
    # NNI asks for the configuration of its platform; ours needs none.
    parser.add_argument("-c", "--config", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from runtime.core import paths
    from runtime.core.paths import ExperimentFolder
    from runtime.system.lock import is_held

    above = paths.experiments()
    removed = 0
    for path in sorted(above.iterdir()) if above.is_dir() else ():
        folder = ExperimentFolder(path)
        half = path.is_dir() and not folder.store.is_file() and not is_held(folder.lock)
        removing = path.name.startswith(".removed-")
        if removing or (half and time.time() - path.stat().st_mtime > _OLD):
            shutil.rmtree(path, ignore_errors=True)
            removed += 1
    print(f"{removed} folders were removed." if removed else "There was nothing to remove.")
    return 0
