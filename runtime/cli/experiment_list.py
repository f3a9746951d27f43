"""List the running experiments; with --all, also those that have ended."""

from __future__ import annotations

import argparse
import json

from annotate.json_value import JSON
from runtime.cli import terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="include experiments that have ended")
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(args: argparse.Namespace) -> int:
    rows = [row for row in _rows() if args.all or row["state"] in ("INITIALIZED", "RUNNING")]
    if args.json:
        terminal.show(json.dumps(rows, indent=2))
    elif rows:
        _print_table(rows)
    else:
        none = "No experiment is running. List all of them with --all."
        terminal.show("There is no experiment yet." if args.all else none)
    return 0


def _rows() -> list[dict[str, JSON]]:
    from runtime.cli.selection import name_damage
    from runtime.kept import experiments, lookup

    read = experiments.read_each(lookup.folders(), name_damage)
    return [experiments.list_entry(document) for document in read]


def _print_table(rows: list[dict[str, JSON]]) -> None:
    from datetime import datetime

    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for name in ("id", "name", "state", "trials", "created"):
        table.add_column(name, justify="right" if name == "trials" else "left")
    for row in rows:
        created = datetime.fromtimestamp(row["created"]).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(
            row["id"], terminal.cell(row["name"]), row["state"], str(row["trials"]), created
        )
    Console().print(table)
