"""The commands that print the logs of drivers and trials."""

from __future__ import annotations

import argparse
import itertools
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from runtime.cli import options, selection, terminal

if TYPE_CHECKING:
    from runtime.core.paths import ExperimentFolder

_AT_ONCE = 1000  # lines that are printed together


def _add_arguments(parser: argparse.ArgumentParser, *tail: str) -> None:
    """Add the arguments of every log; `tail` are further names of --tail."""
    selection.argument(parser)
    part = parser.add_mutually_exclusive_group()
    part.add_argument(
        "-H", "--head", type=options.count, metavar="N", help="print only the first N lines"
    )
    part.add_argument(
        *tail, "--tail", type=options.count, metavar="N", help="print only the last N lines"
    )
    part.add_argument("--path", action="store_true", help="print the path instead of the text")


@dataclass(frozen=True, slots=True)
class DriverLog:
    """The command for one of the driver's output streams."""

    stream: str
    doc: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        _add_arguments(parser, "-T")

    def run(self, args: argparse.Namespace) -> int:
        folder = selection.experiment(args.id)
        path = folder.stdout if self.stream == "stdout" else folder.stderr
        # In the foreground, the driver writes to the terminal and keeps only its own log.
        return _print([path if path.is_file() else folder.log], args)


@dataclass(frozen=True, slots=True)
class TrialLog:
    """The command for a trial's output."""

    doc: str = """Print a trial's output: its stdout, then its stderr.

Without --trial: the running trial, else the last one."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        _add_arguments(parser)
        parser.add_argument(
            "-T", "--trial_id", "--trial", metavar="TRIAL", help="the trial's number or id"
        )

    def run(self, args: argparse.Namespace) -> int:
        folder = selection.experiment(args.id)
        number = _number(folder, args.trial_id)
        trial = folder.trial(number)
        if not args.path and not trial.stdout.exists() and not trial.stderr.exists():
            terminal.say(f"annotate: trial {number} has printed nothing")
            return 0
        return _print([trial.stdout, trial.stderr], args)


def _number(folder: ExperimentFolder, name: str | None) -> int:
    from runtime.core.trial import TrialState
    from runtime.store import Store

    with Store.open(folder.store) as store:
        if name is not None:
            return selection.trial(store, name).number
        trials = store.trials()
    if not trials:
        raise AnnotateError(f"experiment {folder.id} has no trial yet")
    running = [t for t in trials if t.state is TrialState.RUNNING]
    return (running or trials)[-1].number


def _print(paths: list[Path], args: argparse.Namespace) -> int:
    if args.path:
        terminal.show("\n".join(map(str, paths)))
        return 0
    existing = [path for path in paths if path.is_file()]
    if not existing:
        raise AnnotateError(f"{paths[0]} does not exist", hint="nothing has been written yet")
    for path in existing:
        with path.open("rb") as file:
            lines = iter(_select(file, args))
            while some := b"".join(itertools.islice(lines, _AT_ONCE)):
                terminal.show_bytes(some)
    return 0


def _select(lines: Iterable[bytes], args: argparse.Namespace) -> Iterable[bytes]:
    if args.head is not None:
        return itertools.islice(lines, args.head)
    return lines if args.tail is None else deque(lines, args.tail)


_DEFAULT = "Without ID: the running experiment, else the newest."
stdout = DriverLog("stdout", f"Print the driver's stdout: the results.\n\n{_DEFAULT}")
stderr = DriverLog("stderr", f"Print the driver's stderr: progress and problems.\n\n{_DEFAULT}")
trial = TrialLog()
