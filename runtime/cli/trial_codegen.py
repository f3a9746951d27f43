"""Write the code of one trial, with its values and without annotations, to a folder.

The default folder is `trial_` followed by the trial's id. `annotate export` has more options."""

from __future__ import annotations

import argparse
from pathlib import Path

from runtime.cli import selection


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    parser.add_argument(
        "-T",
        "--trial_id",
        "--trial",
        required=True,
        metavar="TRIAL",
        help="the trial's number or id",
    )
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="the folder to create")


def run(args: argparse.Namespace) -> int:
    from runtime.cli import export
    from runtime.store import Store

    folder = selection.experiment(args.id)
    with Store.open(folder.store) as store:
        trial = selection.trial(store, args.trial_id)
    target = args.output or Path(f"trial_{trial.id}")
    return export.run(argparse.Namespace(experiment=folder.id, trial=trial.number, output=target))
