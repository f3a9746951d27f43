"""Drives an experiment in the foreground: shows progress, prints the result at the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from annotate.errors import AnnotateError
from runtime.cli import logins, terminal
from runtime.cli.progress import LinesProgress, LiveProgress, Progress
from runtime.cli.summary import summary
from runtime.core.paths import ExperimentFolder
from runtime.driver import build
from runtime.driver.build import Parts
from runtime.driver.signals import Signals
from runtime.driver.start import Start
from runtime.kept.documents import results_document
from runtime.store import StoreLost
from runtime.system.private import keep_private


def drive(start: Start) -> int:
    """Run the experiment to its end and return the exit code."""
    keep_private()
    start = logins.with_logins(start)
    with Signals(detached=start.detached) as signals:
        parts = build.prepare(start, terminal.say, logins.asker())
        return _drive(start, parts, start.make_folder(), signals)


def _drive(start: Start, parts: Parts, folder: ExperimentFolder, signals: Signals) -> int:
    with resumable(folder), build.open_store(start, parts, folder) as opened:
        store, algorithms, notes = opened
        progress = _progress(start, folder)
        experiment = build.build(start, parts, algorithms, folder, store, progress)
        progress.recall(experiment.trials.values())
        try:
            with progress:
                for note in notes:
                    progress.note(note)
                build.run(experiment, signals)
        except StoreLost:
            raise  # what is left cannot be resumed
        except AnnotateError:
            terminal.say(f"All results are kept. To continue: annotate resume {folder.id}")
            raise
        if start.as_json:
            terminal.show(json.dumps(results_document(store), indent=2))
        else:
            terminal.show(summary(experiment, store.experiment().paused))
    if experiment.state == "STOPPED":
        _print_how_to_resume(folder)
        return 130
    return 0 if experiment.best is not None else 1


@contextmanager
def resumable(folder: ExperimentFolder) -> Iterator[None]:
    """Name the command that resumes the experiment if a signal interrupts it before it runs."""
    try:
        yield
    except KeyboardInterrupt:
        _print_how_to_resume(folder)
        raise


def _print_how_to_resume(folder: ExperimentFolder) -> None:
    terminal.say(f"Interrupted. To continue: annotate resume {folder.id}")


def _progress(start: Start, folder: ExperimentFolder) -> Progress:
    live = sys.stderr.isatty() and not start.as_json
    kind = LiveProgress if live else LinesProgress
    progress = kind(start.config, start.space, folder)
    progress.new_settings = start.new_settings
    return progress
