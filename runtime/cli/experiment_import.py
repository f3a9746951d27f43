"""Let an experiment's tuner learn results from a file.

  annotate experiment import ID --filename results.json

The file is a list of {"parameter": {"lr": 0.1}, "value": 0.9}, names short or whole, or what
`annotate experiment export` (JSON or CSV) or `annotate run --json` writes. What does not fit the
search space is left out and counted. Where the experiment runs, the tuner learns at once, else
when it goes on."""

from __future__ import annotations

import argparse
from pathlib import Path

from runtime.cli import chosen


def arguments(parser: argparse.ArgumentParser) -> None:
    chosen.argument(parser)
    parser.add_argument("--filename", "-f", required=True, metavar="F", help="the JSON or CSV file")


def run(args: argparse.Namespace) -> int:
    from runtime.core import requests
    from runtime.loop import known_results
    from runtime.store import Store
    from runtime.system.lock import Lock, is_held

    folder = chosen.experiment(args.id)
    results = known_results.of_file(Path(args.filename))
    if is_held(folder.lock):
        print(requests.ask(folder, "import", results=results))
        return 0
    with Lock(folder.lock).acquire(), Store.open(folder.store, write=True) as store:
        space = store.experiment().space
        inside, outside = known_results.split_by_space(space, results, args.filename)
        for result in inside:
            store.add_history(result)
    print(known_results.sentence(inside, outside, args.filename))
    return 0
