"""Show an experiment's configuration, search space and best trial."""

from __future__ import annotations

import argparse
import json
from datetime import datetime

from annotate.json_value import JSON
from runtime.cli import selection, terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(args: argparse.Namespace) -> int:
    from runtime.kept import experiments

    document = experiments.details(experiments.read(selection.experiment(args.id)))
    if args.json:
        terminal.show(json.dumps(document, indent=2))
    else:
        _print(document)
    return 0


def _print(document: dict[str, JSON]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, value in document.items():
        if name in ("created", "ended") and value is not None:
            value = datetime.fromtimestamp(value).strftime("%Y-%m-%d %H:%M:%S")
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for n, (key, inner) in enumerate(rows):
            if inner not in (None, "", [], {}):
                text = inner if isinstance(inner, str) else json.dumps(inner)
                table.add_row(
                    terminal.cell(name if n == 0 else "", style="bold"),
                    terminal.cell(key),
                    terminal.cell(text),
                )
    Console(soft_wrap=True).print(table)
