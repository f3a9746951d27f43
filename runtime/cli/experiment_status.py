"""Show an experiment's progress: its state, and the number of trials in each state."""

from __future__ import annotations

import argparse
import json

from annotate.json_value import JSON
from runtime.cli import selection, terminal
from runtime.system.units import count


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(args: argparse.Namespace) -> int:
    from runtime.kept import experiments

    document = experiments.status(experiments.read(selection.experiment(args.id)))
    terminal.show(json.dumps(document, indent=2) if args.json else _text(document))
    return 0


def _text(document: dict[str, JSON]) -> str:
    reason, limit, best = document["reason"], document["max_trials"], document["best"]
    counts = ", ".join(f"{number} {state}" for state, number in sorted(document["trials"].items()))
    lines = [
        f"{document['id']} {document['state']}" + (f": {reason}" if reason else ""),
        count(sum(document["trials"].values()), "trial", of=limit)
        + (f": {counts}" if counts else ""),
    ]
    if best is not None:
        name = f"{document['metric_name']} " if document["metric_name"] else ""
        stopped = ", stopped early" if "state" in best else ""
        lines.append(f"best: {name}{best['metric']} (trial {best['trial']}{stopped})")
    return "\n".join(lines)
