"""Show an experiment's configuration, search space and best trial."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
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
    from rich.text import Text

    rows = list(_rows(document))
    widths = [max((len(row[n]) + 2 for row in rows), default=0) for n in (0, 1)]
    console = Console()
    for name, key, text in rows:
        # The last column is not cut, so that paths can be copied.
        line = Text.assemble((name.ljust(widths[0]), "bold"), key.ljust(widths[1]), text)
        console.print(line, soft_wrap=True)


def _rows(document: dict[str, JSON]) -> Iterator[tuple[str, str, str]]:
    """Each value with its names on both levels; the first one only where it begins."""
    for name, value in document.items():
        if name in ("created", "ended") and value is not None:
            value = datetime.fromtimestamp(value).strftime("%Y-%m-%d %H:%M:%S")
        pairs = value.items() if isinstance(value, dict) else [("", value)]
        for n, (key, inner) in enumerate(pairs):
            if inner not in (None, "", [], {}):
                text = inner if isinstance(inner, str) else json.dumps(inner)
                yield name if n == 0 else "", terminal.visible(key), terminal.visible(text)
