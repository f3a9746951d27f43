"""Save an experiment to one file, ID.tar.gz, which `experiment load` reads.

  annotate experiment save ID --path FOLDER

It has everything in the experiment's folder: results, code, logs and output files."""

from __future__ import annotations

import argparse
from pathlib import Path

from annotate.errors import AnnotateError
from runtime.cli import selection, terminal
from runtime.system.home_folder import expanded


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    parser.add_argument(
        "-p", "--path", default=".", metavar="FOLDER", help="where to write it (default: here)"
    )
    parser.add_argument(
        "-s", "--saveCodeDir", action="store_true", help="accepted: the code is always saved"
    )


def run(args: argparse.Namespace) -> int:
    from runtime.kept import archives
    from runtime.system.lock import Held, Lock

    folder = selection.experiment(args.id)
    target = Path(expanded(args.path), f"{folder.id}.tar.gz")
    try:
        with Lock(folder.lock).acquire():
            archives.save(folder, target)
    except Held:
        raise AnnotateError(
            f"experiment {folder.id} is running", hint=f"stop it with: annotate stop {folder.id}"
        ) from None
    except OSError as error:
        raise AnnotateError(f"cannot write {target}: {error.strerror or error}") from None
    terminal.show(f"Saved experiment {folder.id} to {target}.")
    return 0
