"""Stop one trial of a running experiment and start the next one in its place."""

from __future__ import annotations

import argparse

from runtime.cli import selection, terminal


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


def run(args: argparse.Namespace) -> int:
    from runtime.core import requests
    from runtime.store import Store

    folder = selection.experiment(args.id)
    with Store.open(folder.store) as store:
        trial = selection.trial(store, args.trial_id)
    terminal.show(f"Experiment {folder.id}: {requests.ask(folder, 'kill', trial=trial.number)}.")
    return 0
