"""Watch the running experiments: progress, best result and time.

On a terminal, the table is updated until Ctrl-C; otherwise, or with --once, it is printed once."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.cli import options, selection, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-t",
        "--time",
        type=options.duration,
        default=1.0,
        metavar="TIME",
        help="interval between updates (default: 1s)",
    )
    parser.add_argument("--once", action="store_true", help="print the table once")
    parser.add_argument("--json", action="store_true", help="print a JSON list once")


def run(args: argparse.Namespace) -> int:
    from rich.console import Console

    if args.json:
        terminal.show(json.dumps(_rows(selection.name_damage), indent=2))
    elif args.once or not sys.stdout.isatty():
        Console(width=None if sys.stdout.isatty() else 1000).print(_table(selection.name_damage))
    else:
        _follow(max(0.1, args.time))
    return 0


def _follow(every: float) -> None:
    from rich.live import Live

    with Live(_table(_hide), auto_refresh=False, screen=True) as live:
        while True:
            time.sleep(every)
            live.update(_table(_hide), refresh=True)


def _hide(damage: AnnotateError) -> None:
    """Ignore damage, as a message would break the table; `experiment list` reports it."""


def _rows(on_damage: Callable[[AnnotateError], None]) -> list[dict[str, JSON]]:
    from runtime.kept import experiments, lookup
    from runtime.system.lock import is_held

    running = [folder for folder in lookup.folders() if is_held(folder.lock)]
    return [experiments.progress(d) for d in experiments.read_each(running, on_damage)]


def _table(on_damage: Callable[[AnnotateError], None]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from runtime.cli.text import number
    from runtime.system.units import duration

    rows = _rows(on_damage)
    if not rows:
        return Text("No experiment is running.")
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("id", "name", "time", "ended", "running", "waiting", "failed", "best", "trial"):
        table.add_column(name, justify="left" if name in ("id", "name") else "right")
    for row in rows:
        states, best = row["trials"], row["best"]
        running, *waiting = (states.get(s, 0) for s in ("RUNNING", "WAITING", "INTERRUPTED"))
        ended = sum(states.values()) - running - sum(waiting)
        table.add_row(
            row["id"],
            terminal.cell(row["name"]),
            duration(row["seconds"]),
            f"{ended}/{row['max_trials']}" if row["max_trials"] else str(ended),
            f"{running}/{row['concurrency']}",
            str(sum(waiting)),
            str(states.get("FAILED", 0)),
            terminal.cell(f"{row['metric_name']} {number(best['metric'])}".strip() if best else ""),
            str(best["trial"]) if best else "",
        )
    return table
