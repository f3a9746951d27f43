"""Stop an experiment: end its running trials and keep every result; `resume` continues it.

Without an ID, stops the experiment that is running; with --all (or the word all), every one."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from runtime.cli import selection, terminal

if TYPE_CHECKING:
    from runtime.core.paths import ExperimentFolder

_PATIENCE = 30.0  # seconds; a trial has ten to end by itself


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    parser.add_argument("-a", "--all", action="store_true", help="stop every running experiment")


def run(args: argparse.Namespace) -> int:
    from runtime.kept import lookup
    from runtime.system.lock import is_held

    if args.all or args.id == "all":
        folders = [f for f in lookup.folders() if is_held(f.lock)]
        if not folders:
            terminal.show("No experiment is running.")
    else:
        folders = [selection.experiment(args.id)]
    asked: list[ExperimentFolder] = []

    def ask(folder: ExperimentFolder) -> None:
        _ask(folder)
        asked.append(folder)

    return max(selection.each(folders, ask), selection.each(asked, _wait))


def _ask(folder: ExperimentFolder) -> None:
    from runtime.core import requests

    try:
        requests.ask(folder, "stop")
    except AnnotateError as error:
        if "has ended" not in error.message:  # it ended by itself in the meantime
            raise


def _wait(folder: ExperimentFolder) -> None:
    from runtime.system.lock import is_held

    until = time.monotonic() + _PATIENCE
    while is_held(folder.lock):
        if time.monotonic() > until:
            raise AnnotateError(
                f"experiment {folder.id} is still stopping its trials after {_PATIENCE:g} s",
                hint=f"annotate log stderr {folder.id} shows its progress",
            )
        time.sleep(0.05)
    terminal.show(f"Experiment {folder.id} has stopped. To continue: annotate resume {folder.id}")
