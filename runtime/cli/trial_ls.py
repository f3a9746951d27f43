"""List an experiment's trials. Without an ID: of the one that runs, else of the newest."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING

from runtime.cli import chosen

if TYPE_CHECKING:
    from runtime.core.trial import Trial
    from runtime.store import Store


def arguments(parser: argparse.ArgumentParser) -> None:
    chosen.argument(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(args: argparse.Namespace) -> int:
    from runtime.kept import lookup
    from runtime.kept.documents import trial_documents
    from runtime.store import Store

    folder, said = lookup.find(args.id)
    with Store.open(folder.store) as store:
        if args.json:
            print(json.dumps(trial_documents(store), indent=2))
            return 0
        if said:
            print(said, file=sys.stderr)
        _print_table(store)
    return 0


def _print_table(store: Store) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from runtime.cli.text import gpu_line, number, values_line
    from runtime.system.units import duration

    names = store.experiment().space.names
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("trial", justify="right")
    table.add_column("id")
    table.add_column("state")
    table.add_column("result", justify="right")
    table.add_column("time", justify="right")
    trials = store.trials()
    leases = any(trial.gpu is not None for trial in trials)
    if leases:
        table.add_column("GPU")
    table.add_column("values", overflow="fold")
    table.add_column("reason", overflow="fold")
    for trial in trials:
        seconds = trial.seconds(time.time())
        table.add_row(
            str(trial.number),
            trial.id,
            trial.state.value,
            "" if trial.metric is None else number(trial.metric),
            "" if seconds is None else duration(seconds),
            *([Text(gpu_line(trial.gpu))] if leases else []),
            Text(values_line(trial.values, names)),
            Text(_reason(trial)),
        )
    # A pipe has no width: there every row stays on one line.
    Console(width=None if sys.stdout.isatty() else 1000).print(table)


def _reason(trial: Trial) -> str:
    """Why it waits, or ended as it did, and how often it failed where it was run again for that."""
    failures = trial.retries + (trial.state.value == "FAILED")
    times = f"(failed {failures} time{'' if failures == 1 else 's'})" if trial.retries else ""
    waits = "until a slot is free" if trial.state.value == "WAITING" else None
    return " ".join(filter(None, [trial.reason or waits, times]))
