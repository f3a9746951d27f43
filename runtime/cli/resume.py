"""Go on with an experiment that was interrupted: nothing is lost, what was cut off runs again.

The experiment's own snapshot of the script is used, whatever has been edited since."""

from __future__ import annotations

import argparse
import sys


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", metavar="ID", help="the experiment's id or its beginning")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document on standard output at the end"
    )


def run(args: argparse.Namespace) -> int:
    from annotate.errors import AnnotateError
    from runtime import lookup
    from runtime.cli.driving import drive
    from runtime.config import Config
    from runtime.store import Store

    folder, said = lookup.find(args.id)
    if said:
        print(said, file=sys.stderr)
    with Store.open(folder.store) as store:
        row = store.experiment()
    if row.state == "DONE":
        raise AnnotateError(
            f"experiment {folder.id} is done: {row.reason or 'all its trials have run'}",
            hint=f"annotate trial ls {folder.id} shows them",
        )
    config = Config.from_json(row.config)
    return drive(config, row.space, lambda: folder, as_json=args.json)
