"""Stop an experiment: end its running trials and keep every result; `resume` continues it.

Without an ID, stops the experiment that is running; with --all (or the word all), every one; with
'ab*', those whose ids begin with ab."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from runtime.cli import options, selection, terminal

if TYPE_CHECKING:
    from runtime.core.paths import ExperimentFolder

_PATIENCE = 30.0  # seconds; a trial has ten to end by itself


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    parser.add_argument("-a", "--all", action="store_true", help="stop every running experiment")
    parser.add_argument(
        "-p",
        "--port",
        type=options.port,
        metavar="P",
        help="stop the running experiment whose pages are at this port",
    )


def run(args: argparse.Namespace) -> int:
    if args.port is not None:
        _check_port(args.port)
    pattern = "*" if args.all or args.id == "all" else args.id or ""
    if "*" in pattern:
        folders = _running(pattern)
        if not folders:
            matches = "" if pattern == "*" else f" whose id matches {pattern}"
            terminal.show(f"No experiment is running{matches}.")
    else:
        folders = [selection.experiment(args.id)]
    asked: list[ExperimentFolder] = []

    def ask(folder: ExperimentFolder) -> None:
        _ask(folder)
        asked.append(folder)

    return max(selection.each(folders, ask), selection.each(asked, _wait))


def _running(pattern: str) -> list[ExperimentFolder]:
    from fnmatch import fnmatchcase

    from runtime.kept import lookup
    from runtime.system.lock import is_held

    return [f for f in lookup.folders() if fnmatchcase(f.id, pattern) and is_held(f.lock)]


def _check_port(port: int) -> None:
    """Raise AnnotateError unless our server, which shows every experiment, is at this port."""
    from runtime.server import launch

    ports = [str(server.port) for server in launch.running()]
    if str(port) not in ports:
        raise AnnotateError(
            f"no pages of ours are at port {port}",
            hint=f"they are at {', '.join(ports)}" if ports else "no web server is running",
        )


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
