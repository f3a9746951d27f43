"""Show the search space of an annotated script or folder."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.cli import target as targets
from runtime.cli import terminal
from runtime.system.units import count

if TYPE_CHECKING:
    from annotate.project import Project


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a script or a code folder; with -m, a module")
    targets.arguments(parser)
    parser.add_argument("--json", action="store_true", help="print NNI's search space JSON only")


def run(args: argparse.Namespace) -> int:
    from annotate.project import code_folder, read_project
    from annotate.remarks import remarks
    from runtime.system.interpreter import interpreter
    from runtime.system.outside import with_outside

    if args.module:
        target = targets.target(args.path, args)
        project = read_project(target.path, target.root, entry=target.entry)
    else:
        path = Path(args.path)
        script = None if path.is_dir() else path
        project = read_project(script, args.code_folder or code_folder(path))
        if script is not None:
            python = interpreter(None, os.environ, args.path)
            project = with_outside(project, python, os.environ, Path.cwd(), path.absolute().parent)
    for sentence in remarks(project, args.path):
        terminal.say(f"annotate: {sentence}")
    if args.json:
        terminal.show(json.dumps(project.space.to_json(), indent=2))
    else:
        _print_table(project)
    return 0


def _print_table(project: Project) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    names = project.space.names
    table = Table(box=SIMPLE_HEAD)
    for column in ("name", "domain", "as written", "where"):
        table.add_column(column, overflow="fold")
    for place in project.places:
        code = " ".join(place.written.split())
        row = (names[place.key], str(place.domain), code, place.where)
        table.add_row(*map(terminal.cell, row))
    # A pipe has no width, so keep every row on one line.
    console = Console(width=None if sys.stdout.isatty() else 1000)
    if project.places:
        console.print(table)
    size = project.space.size
    parameters = count(len(project.space), "parameter")
    combinations = "" if size is None or not project.space else f", {count(size, 'combination')}"
    console.print(f"{parameters}{combinations}", highlight=False)
