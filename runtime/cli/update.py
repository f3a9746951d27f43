"""Changes the limits and the search space of a running experiment."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotate.errors import AnnotateError
from runtime.cli import options, selection, terminal
from runtime.core.config import OPTIONS
from runtime.core.paths import ExperimentFolder
from runtime.system.lock import Lock, is_held
from runtime.system.units import count
from runtime.system.units import duration as duration_text

_WHICH = (
    "Without an ID: the running experiment, else the newest. Takes effect at once, or at the next\n"
    "resume if the experiment is not running."
)


@dataclass(frozen=True, slots=True)
class Update:
    """A command that asks the driver for `kind`, with one argument called `name`."""

    kind: str
    name: str
    parse: Callable[[str], Any]
    metavar: str
    help: str
    doc: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        selection.argument(parser)
        parser.add_argument(
            "-v", "--value", type=self.parse, required=True, metavar=self.metavar, help=self.help
        )

    def run(self, args: argparse.Namespace) -> int:
        folder = selection.experiment(args.id)
        if is_held(folder.lock):
            return _ask(folder, self.kind, **{self.name: args.value})
        return _keep(folder, self.kind, **{self.name: args.value})


@dataclass(frozen=True, slots=True)
class UpdateSpace:
    """The command that changes the search space of a running experiment."""

    doc: str = """Change the search space of a running experiment, from a file.

Without an ID: the running experiment, else the newest. Takes effect once the tuner is free. Earlier
results inside the new space still count."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        selection.argument(parser)
        parser.add_argument(
            "-f",
            "--filename",
            required=True,
            metavar="FILE",
            help="the search space in NNI's format, as JSON or YAML",
        )

    def run(self, args: argparse.Namespace) -> int:
        from runtime.nni_config.space_file import read_space

        folder = selection.experiment(args.id)
        space = read_space(Path(args.filename), _tuner(folder))
        if not is_held(folder.lock):
            raise AnnotateError(
                f"experiment {folder.id} is not running",
                hint=f"annotate resume {folder.id} --search-space {args.filename}",
            )
        return _ask(folder, "space", space=space.to_stored())


def _tuner(folder: ExperimentFolder) -> str:
    from runtime.core.config import Config
    from runtime.store import Store

    with Store.open(folder.store) as store:
        return Config.from_json(store.experiment().config).tuner


def _keep(folder: ExperimentFolder, kind: str, **arguments: Any) -> int:
    """Store the setting of an experiment that is not running, for its next resume."""
    from runtime.core import requests
    from runtime.core.new_settings import with_update
    from runtime.store import Store

    name = requests.SETTINGS[kind][0]
    (value,) = requests.checked(kind, arguments).values()
    with Lock(folder.lock).acquire(), Store.open(folder.store, write=True) as store:
        row = store.experiment()
        config = with_update(row.config, name, value)
        limit, trials = config["max_trials"], len(store.trials())
        may_continue = limit is None or limit > trials
        if row.state == "DONE" and name == "max_trials" and not may_continue:
            raise AnnotateError(
                f"experiment {folder.id} has run {count(trials, 'trial')} already",
                hint=f"give a number above {trials}",
            )
        store.set_config(config)
        if row.state == "DONE" and name != "concurrency" and may_continue:
            store.set_state("STOPPED", "its limits have changed", row.ended)
    shown = "none" if value is None else duration_text(value) if kind == "duration" else value
    terminal.show(
        f"Experiment {folder.id} is not running. Stored {OPTIONS[name].flag} {shown} for:"
        f" annotate resume {folder.id}"
    )
    return 0


def _ask(folder: ExperimentFolder, kind: str, **arguments: Any) -> int:
    from runtime.core import requests

    terminal.show(f"Experiment {folder.id}: {requests.ask(folder, kind, **arguments)}.")
    return 0


def _with_unit(text: str) -> Any:
    """Parse a duration. NNI refuses one without a unit, which would be seconds here."""
    if text.replace(".", "", 1).isdecimal():
        raise AnnotateError(
            f"{text!r} has no unit", hint=f"write {text}s, {text}m, {text}h or {text}d"
        )
    return OPTIONS["max_duration"].parse(text)


concurrency = Update(
    "concurrency",
    "value",
    options.typed(OPTIONS["concurrency"].parse),
    "K",
    "how many trials run at a time, or auto: as many as GPUs or CPU cores have room for",
    f"Change how many trials run at a time.\n\n{_WHICH}",
)
duration = Update(
    "duration",
    "seconds",
    options.typed(_with_unit),
    "TIME",
    "the limit, e.g. 90s, 10m, 1h, counted from the driver's start; none removes it",
    f"Change how long the experiment may take.\n\n{_WHICH}",
)
trialnum = Update(
    "trials",
    "value",
    options.typed(OPTIONS["max_trials"].parse),
    "N",
    "the total number of trials; none removes the limit",
    f"Change the total number of trials.\n\n{_WHICH}",
)
searchspace = UpdateSpace()
