"""Import results from a file, for an experiment's tuner to learn from.

  annotate experiment import ID --filename results.json

The file is a list of {"parameter": {"lr": 0.1}, "value": 0.9}, with short names or full keys, or
the output of `annotate experiment export` (JSON or CSV) or `annotate run --json`. Results outside
the search space are skipped and counted. A running experiment's tuner learns at once, any other
when it is resumed."""

from __future__ import annotations

import argparse
from pathlib import Path

from runtime.cli import selection, terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    parser.add_argument(
        "--filename", "-f", required=True, metavar="FILE", help="the JSON or CSV file to read"
    )


def run(args: argparse.Namespace) -> int:
    from runtime.core import requests
    from runtime.loop import known_results
    from runtime.store import Store
    from runtime.system.lock import Lock, is_held

    folder = selection.experiment(args.id)
    results = known_results.of_file(Path(args.filename))
    if is_held(folder.lock):
        terminal.show(requests.ask(folder, "import", results=results))
        return 0
    with Lock(folder.lock).acquire(), Store.open(folder.store, write=True) as store:
        space = store.experiment().space
        counted = terminal.counted(results, "reading results")
        split = known_results.split_by_space(space, counted, args.filename)
        store.add_history(split.known)
    terminal.show(split.sentence(args.filename))
    return 0
