"""Show an experiment's configuration, search space, best trial and notes on its results."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import datetime

from annotate.json_value import JSON
from annotate.space import SearchSpace
from runtime.cli import selection, terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(args: argparse.Namespace) -> int:
    from runtime.kept import experiments
    from runtime.store import Store

    folder = selection.experiment(args.id)
    document = experiments.details(folder)
    if args.json:
        terminal.show(json.dumps(document, indent=2))
    else:
        with Store.open(folder.store) as store:
            _print(document, store.experiment().space)
    return 0


def _print(document: dict[str, JSON], space: SearchSpace) -> None:
    from rich.console import Console
    from rich.text import Text

    rows = list(_rows(_named(document, space)))
    widths = [max((len(row[n]) + 2 for row in rows), default=0) for n in (0, 1)]
    console = Console()
    for name, key, text in rows:
        # The last column is not cut, so that paths can be copied.
        line = Text.assemble((name.ljust(widths[0]), "bold"), key.ljust(widths[1]), text)
        console.print(line, soft_wrap=True)


def _named(document: dict[str, JSON], space: SearchSpace) -> dict[str, JSON]:
    """The document with the parameters' names, and their domains and values as users write them."""
    from runtime.cli.text import value

    names = space.names
    named = document | {"space": {names[p.key]: str(p.domain) for p in space}}
    if (best := document["best"]) is not None:
        values = {names.get(key, key): value(v) for key, v in best["values"].items()}
        named["best"] = {key: part for key, part in best.items() if key != "values"}
        named["best values"] = values
    named["notes"] = named.pop("notes")
    return named


def _rows(document: dict[str, JSON]) -> Iterator[tuple[str, str, str]]:
    """Each value with its names on both levels; the first one only where it begins."""
    for name, value in document.items():
        if name in ("created", "ended") and value is not None:
            value = datetime.fromtimestamp(value).strftime("%Y-%m-%d %H:%M:%S")
        pairs: list[tuple[str, JSON]] = [("", value)]
        if isinstance(value, dict):
            pairs = list(value.items())
        elif name == "notes":
            pairs = [("", note) for note in value]
        for n, (key, inner) in enumerate(pairs):
            if inner not in (None, "", [], {}):
                text = inner if isinstance(inner, str) else json.dumps(inner)
                yield name if n == 0 else "", terminal.visible(key), terminal.visible(text)
