"""List an experiment's trials. Without ID: the running experiment, else the newest."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping

from annotate.json_value import JSON
from runtime.cli import selection, terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(args: argparse.Namespace) -> int:
    from runtime.core.config import Config
    from runtime.kept import lookup
    from runtime.kept.documents import trial_documents
    from runtime.store import Store

    folder, notice = lookup.find(args.id)
    with Store.open(folder.store) as store:
        trials, row = trial_documents(store), store.experiment()
    if args.json:
        terminal.show(json.dumps(trials, indent=2))
        return 0
    if notice:
        terminal.say(notice)
    _print_table(trials, row.space.names, Config.from_json(row.config).metric)
    return 0


def _print_table(trials: list[dict[str, JSON]], names: Mapping[str, str], metric: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from runtime.cli.text import number, values_line
    from runtime.system.units import duration

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("trial", justify="right")
    table.add_column("id")
    table.add_column("state")
    table.add_column(escape(metric), justify="right")
    table.add_column("time", justify="right")
    has_machines = any(trial["machine"] is not None for trial in trials)
    if has_machines:
        table.add_column("machine")
    has_gpus = any(trial["gpu"] is not None for trial in trials)
    if has_gpus:
        table.add_column("GPU")
    table.add_column("values", overflow="fold")
    table.add_column("reason", overflow="fold")
    for trial in trials:
        table.add_row(
            str(trial["number"]),
            trial["id"],
            trial["state"],
            "" if trial["metric"] is None else number(trial["metric"]),
            "" if trial["seconds"] is None else duration(trial["seconds"]),
            *([terminal.cell(trial["machine"] or "")] if has_machines else []),
            *([terminal.cell(_gpu(trial["gpu"]))] if has_gpus else []),
            terminal.cell(values_line(trial["values"], names)),
            terminal.cell(_reason(trial)),
        )
    # A pipe has no width; keep every row on one line there.
    Console(width=None if sys.stdout.isatty() else 1000).print(table)


def _gpu(use: JSON) -> str:
    from runtime.cli.text import gpu_line
    from runtime.core.trial import GpuUse

    return gpu_line(use and GpuUse.from_json(use))


def _reason(trial: Mapping[str, JSON]) -> str:
    """Why the trial waits or ended, and how often it failed if it was retried."""
    from runtime.system.units import count

    failures = trial["retries"] + (trial["state"] == "FAILED")
    times = f"(failed {count(failures, 'time')})" if trial["retries"] else ""
    waits = "until a slot is free" if trial["state"] == "WAITING" else None
    return " ".join(filter(None, [trial["reason"] or waits, times]))
