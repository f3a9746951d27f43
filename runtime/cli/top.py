"""Follow the experiments that run: how far they are, what was best, how long they take.

On a terminal until Ctrl-C; elsewhere, and with --once, it is printed once."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING

from annotate.json_value import JSON
from runtime.cli import options

if TYPE_CHECKING:
    from rich.console import RenderableType

    from runtime.core.paths import ExperimentFolder


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-t", "--time", type=options.duration, default=1.0, metavar="TIME", help="between two looks"
    )
    parser.add_argument("--once", action="store_true", help="print it once and end")
    parser.add_argument("--json", action="store_true", help="print a JSON list, once")


def run(args: argparse.Namespace) -> int:
    from rich.console import Console

    if args.json:
        print(json.dumps(_rows(), indent=2))
    elif args.once or not sys.stdout.isatty():
        Console(width=None if sys.stdout.isatty() else 1000).print(_table())
    else:
        _follow(max(0.1, args.time))
    return 0


def _follow(every: float) -> None:
    from rich.live import Live

    with Live(_table(), auto_refresh=False, screen=True) as live:
        while True:
            time.sleep(every)
            live.update(_table(), refresh=True)


def _rows() -> list[dict[str, JSON]]:
    from runtime.kept import lookup
    from runtime.system.lock import is_held

    return [_row(folder) for folder in lookup.folders() if is_held(folder.lock)]


def _row(folder: ExperimentFolder) -> dict[str, JSON]:
    from runtime.core.config import Config
    from runtime.core.metrics import finite
    from runtime.store import Store
    from runtime.store.reader import Reader

    with Store.open(folder.store) as store:
        row = store.experiment()
    config = Config.from_json(row.config)
    with Reader(folder.store) as reader:
        states = reader.states()
        best = next(iter(reader.top(1, maximize=config.maximize)), None)
    return {
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "seconds": round(time.time() - row.created, 1),
        "trials": states,
        "max_trials": config.max_trials,
        "concurrency": config.concurrency,
        "best": finite(best and {"trial": best.number, "metric": best.metric}),
    }


def _table() -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from runtime.cli.text import number
    from runtime.system.units import duration

    rows = _rows()
    if not rows:
        return Text("No experiment runs.")
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("id", "name", "time", "ended", "running", "waiting", "failed", "best", "trial"):
        table.add_column(name, justify="left" if name in ("id", "name") else "right")
    for row in rows:
        states, best = row["trials"], row["best"]
        going = [states.get(name, 0) for name in ("RUNNING", "WAITING", "INTERRUPTED")]
        ended = str(sum(states.values()) - sum(going))
        table.add_row(
            row["id"],
            Text(row["name"]),
            duration(row["seconds"]),
            f"{ended}/{row['max_trials']}" if row["max_trials"] else ended,
            f"{going[0]}/{row['concurrency']}",
            str(going[1] + going[2]),
            str(states.get("FAILED", 0)),
            number(best["metric"]) if best else "",
            str(best["trial"]) if best else "",
        )
    return table
