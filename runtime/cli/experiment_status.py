"""Say how far an experiment is: its state, and how many trials are in which."""

from __future__ import annotations

import argparse
import json
from collections import Counter

from runtime.cli import chosen


def arguments(parser: argparse.ArgumentParser) -> None:
    chosen.argument(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(args: argparse.Namespace) -> int:
    from runtime.core.config import Config
    from runtime.kept.documents import best_document, state_now
    from runtime.store import Store

    folder = chosen.experiment(args.id)
    with Store.open(folder.store) as store:
        row, trials = store.experiment(), store.trials()
    state, reason = state_now(row, folder)
    counts = Counter(trial.state.value for trial in trials)
    limit = Config.from_json(row.config).max_trials
    best = best_document(row, trials)
    if args.json:
        document = {
            "id": row.id,
            "state": state,
            "reason": reason,
            "trials": dict(counts),
            "max_trials": limit,
            "best": best,
        }
        print(json.dumps(document, indent=2))
        return 0
    print(f"{row.id} {state}" + (f": {reason}" if reason else ""))
    listed = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    print(f"{len(trials)}{f' of {limit}' if limit else ''} trials" + (f": {listed}" * bool(listed)))
    if best is not None:
        print(f"best: {best['metric']} (trial {best['trial']})")
    return 0
