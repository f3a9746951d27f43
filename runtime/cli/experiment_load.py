"""Load an experiment from a file that `experiment save` wrote.

  annotate experiment load --path ID.tar.gz

Its trials run in the folder in which they ran before, when you resume it."""

from __future__ import annotations

import argparse

from annotate.errors import AnnotateError
from runtime.cli import terminal
from runtime.system.home_folder import expanded


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-p", "--path", required=True, metavar="FILE", help="the file to load")
    for flags in (("-c", "--codeDir"), ("-l", "--logDir"), ("-s", "--searchSpacePath")):
        parser.add_argument(*flags, metavar="PATH", help="accepted: the file has everything")


def run(args: argparse.Namespace) -> int:
    from runtime.kept import archives

    source = expanded(args.path)
    try:
        folder = archives.load(source)
    except OSError as error:
        raise AnnotateError(f"cannot load {source}: {error.strerror or error}") from None
    terminal.show(f"Loaded experiment {folder.id}. To continue: annotate resume {folder.id}")
    return 0
