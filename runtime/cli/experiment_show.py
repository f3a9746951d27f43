"""Show what an experiment is: its configuration, its search space, its best trial."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import TYPE_CHECKING

from annotate.json_value import JSON
from runtime.cli import chosen

if TYPE_CHECKING:
    from runtime.core.paths import ExperimentFolder
    from runtime.store import Store


def arguments(parser: argparse.ArgumentParser) -> None:
    chosen.argument(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(args: argparse.Namespace) -> int:
    from runtime.store import Store

    folder = chosen.experiment(args.id)
    with Store.open(folder.store) as store:
        document = _document(folder, store)
    if args.json:
        print(json.dumps(document, indent=2))
    else:
        _print(document)
    return 0


def _document(folder: ExperimentFolder, store: Store) -> dict[str, JSON]:
    from runtime.core.metrics import finite
    from runtime.kept.documents import best_document, state_now

    row = store.experiment()
    state, reason = state_now(row, folder)
    return {
        "id": row.id,
        "name": row.name,
        "state": state,
        "reason": reason,
        "created": row.created,
        "ended": row.ended,
        "folder": str(folder.path),
        "config": finite(row.config),
        "space": finite(row.space.to_json()),
        "trials": store.count_trials(),
        "best": best_document(row, store.trials()),
    }


def _print(document: dict[str, JSON]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for name, value in document.items():
        if name in ("created", "ended") and value is not None:
            value = datetime.fromtimestamp(value).strftime("%Y-%m-%d %H:%M:%S")
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for n, (key, inner) in enumerate(rows):
            if inner not in (None, "", [], {}):
                text = inner if isinstance(inner, str) else json.dumps(inner)
                table.add_row(Text(name if n == 0 else "", style="bold"), Text(key), Text(text))
    Console(soft_wrap=True).print(table)
