"""Show paths, versions and defaults."""

from __future__ import annotations

import argparse
import json
import os

from runtime.cli import terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(args: argparse.Namespace) -> int:
    import platform
    import sys

    import annotate
    from runtime.core import paths
    from runtime.core.config import Config
    from runtime.kept import lookup
    from runtime.system.lock import is_held

    folders = lookup.folders()
    document = {
        "version": annotate.__version__,
        "python": platform.python_version(),
        "interpreter": sys.executable,
        "trials' interpreter": _trials_interpreter(),
        "home": str(paths.home()),
        "home set by": "ANNOTATE_HOME" if os.environ.get("ANNOTATE_HOME") else "the platform",
        "experiments": len(folders),
        "running": [folder.id for folder in folders if is_held(folder.lock)],
        "default tuner": Config.__dataclass_fields__["tuner"].default,
    }
    if args.json:
        terminal.show(json.dumps(document, indent=2))
        return 0
    width = max(map(len, document))
    for name, value in document.items():
        text = ", ".join(value) or "none" if isinstance(value, list) else value
        terminal.show(f"{name:<{width}}  {text}")
    return 0


def _trials_interpreter() -> str:
    from annotate.errors import AnnotateError
    from runtime.system.interpreter import interpreter

    try:
        return interpreter(None, os.environ)
    except AnnotateError as error:
        return f"none: {error.message}"
