"""Write an experiment's results to a CSV or JSON file, which `experiment import` can read.

annotate experiment export --filename results.csv --type csv"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from annotate.errors import AnnotateError
from runtime.cli import selection, terminal
from runtime.system.replace_file import write_atomically
from runtime.system.units import count


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    parser.add_argument(
        "-f",
        "--filename",
        required=True,
        metavar="FILE",
        help="the file to write; - for standard output",
    )
    parser.add_argument(
        "-t",
        "--type",
        choices=("csv", "json"),
        help="file format (default: from the file name, else json)",
    )
    parser.add_argument(
        "-i", "--intermediate", action="store_true", help="include the intermediate results"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")


def run(args: argparse.Namespace) -> int:
    from runtime.kept import tables

    folder = selection.experiment(args.id)
    kind = args.type or ("csv" if args.filename.endswith(".csv") else "json")
    rows = tables.rows(folder, intermediate=args.intermediate)
    text = tables.csv_text(rows) if kind == "csv" else tables.json_text(rows)
    if args.filename == "-":
        terminal.show_bytes(text.encode())
        return 0
    try:
        _write(Path(args.filename), text, force=args.force)
    except OSError as error:
        raise AnnotateError(f"cannot write {args.filename}: {error.strerror or error}") from None
    terminal.show(
        f"Wrote {count(len(rows), 'trial')} of experiment {folder.id} to {args.filename}."
    )
    return 0


def _write(path: Path, text: str, *, force: bool) -> None:
    """Write the whole file or, if the disk fills up, leave the old one as it was."""
    if path.exists() and not path.is_file():  # a device or a pipe
        path.write_text(text, encoding="utf-8")
        return
    if os.path.lexists(path) and not force:
        hint = "choose another name, or replace it with --force"
        raise AnnotateError(f"{path} already exists; nothing was written", hint=hint)
    write_atomically(path, text.encode())
