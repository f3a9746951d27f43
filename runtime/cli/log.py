"""What drivers and trials have written."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from runtime.cli import chosen, options

if TYPE_CHECKING:
    from runtime.core.paths import ExperimentFolder


def _parts(parser: argparse.ArgumentParser) -> None:
    chosen.argument(parser)
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--head", type=options.count, metavar="N", help="its first N lines alone")
    part.add_argument("--tail", type=options.count, metavar="N", help="its last N lines alone")
    part.add_argument("--path", action="store_true", help="where it lies, instead of what it says")


@dataclass(frozen=True, slots=True)
class DriverLog:
    """The command for one of a driver's two streams."""

    stream: str
    doc: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        _parts(parser)

    def run(self, args: argparse.Namespace) -> int:
        folder = chosen.experiment(args.id)
        path = folder.stdout if self.stream == "stdout" else folder.stderr
        # A driver in the foreground has a terminal, and keeps a log of what it does.
        return _print([path if path.is_file() else folder.log], args)


@dataclass(frozen=True, slots=True)
class TrialLog:
    """The command for what a trial printed."""

    doc: str = """What a trial printed: its standard output, then its standard error.

Without --trial_id: the trial that runs, or else the last one."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        _parts(parser)
        parser.add_argument(
            "-T", "--trial_id", "--trial", metavar="TRIAL", help="its number or its id"
        )

    def run(self, args: argparse.Namespace) -> int:
        folder = chosen.experiment(args.id)
        trial = folder.trial(_number(folder, args.trial_id))
        return _print([trial.stdout, trial.stderr], args)


def _number(folder: ExperimentFolder, given: str | None) -> int:
    from runtime.core.trial import TrialState
    from runtime.store import Store

    with Store.open(folder.store) as store:
        if given is not None:
            return chosen.trial(store, given).number
        trials = store.trials()
    if not trials:
        raise AnnotateError(f"experiment {folder.id} has no trial yet")
    running = [t for t in trials if t.state is TrialState.RUNNING]
    return (running or trials)[-1].number


def _print(paths: list[Path], args: argparse.Namespace) -> int:
    if args.path:
        print("\n".join(map(str, paths)))
        return 0
    found = [path for path in paths if path.is_file()]
    if not found:
        raise AnnotateError(f"{paths[0]} does not exist", hint="nothing has been written yet")
    for path in found:
        with path.open("rb") as file:
            for line in _part(file, args):
                sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
    return 0


def _part(lines: Iterable[bytes], args: argparse.Namespace) -> Iterable[bytes]:
    if args.head is not None:
        return itertools.islice(lines, args.head)
    return lines if args.tail is None else deque(lines, args.tail)


_OF_A_DRIVER = "Without an ID: of the experiment that runs, or of the newest."
stdout = DriverLog("stdout", f"What the driver printed: its results.\n\n{_OF_A_DRIVER}")
stderr = DriverLog("stderr", f"What the driver said on the way.\n\n{_OF_A_DRIVER}")
trial = TrialLog()
