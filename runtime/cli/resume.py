"""Resume an interrupted experiment: no result is lost, and trials that were cut off run again.

  annotate resume ID
  annotate resume ID --max-trials 200 --concurrency auto

Trials run the experiment's own copy of the script, even if you have edited it since; --annotations
reads the script again. An experiment started in the background resumes there, unless --foreground
is given. Settings given here replace the stored ones, so --max-trials also extends a finished
experiment."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.cli import options, selection, settings
from runtime.core.config import Config
from runtime.core.options import RESUME, Settings

if TYPE_CHECKING:
    from runtime.core.paths import ExperimentFolder
    from runtime.loop.change_space import Change
    from runtime.store import ExperimentRow


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    space = parser.add_mutually_exclusive_group()
    space.add_argument(
        "--search-space",
        type=Path,
        metavar="FILE",
        help="change to the search space in FILE (JSON or YAML); earlier results inside it"
        " still count",
    )
    space.add_argument(
        "--annotations",
        action="store_true",
        help="change to the script and its annotations as they are now",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document on standard output at the end"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "-f", "--foreground", action="store_true", help="run in the foreground until it is done"
    )
    where.add_argument(
        "-b",
        "--background",
        action="store_true",
        help="return at once; the experiment runs in the background",
    )
    # For the background driver: the file descriptor of its lock, whether it reads secrets from its
    # standard input, and the typed settings as JSON.
    where.add_argument("--driver", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--logins", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--settings", type=json.loads, default={}, help=argparse.SUPPRESS)
    parser.add_argument(
        "-p",
        "--port",
        type=options.port,
        metavar="P",
        help="port of the pages (default: the first free port from 8080)",
    )
    parser.add_argument("-d", "--debug", action="store_true", help="log every step of the driver")
    settings.arguments(parser, RESUME)


def run(args: argparse.Namespace) -> int:
    from annotate.errors import AnnotateError
    from runtime.cli import logins
    from runtime.cli.driving import drive
    from runtime.core.new_settings import new_settings, resumed
    from runtime.core.objective import goal, with_new_name
    from runtime.driver.resumable import check_resumable
    from runtime.driver.start import Start
    from runtime.store import Store

    folder = selection.experiment(args.id)
    with Store.open(folder.store) as store:
        row = store.experiment()
        trials = sum(trial.state.ended for trial in store.trials())
    change = _change(args, folder, row)
    typed = {**settings.typed(args), **args.settings}
    config = changed_config(row.config, typed)
    nothing_left = config.max_trials is not None and config.max_trials <= trials
    if row.state == "DONE" and change is None and (nothing_left or not typed):
        ran = "its only trial has run" if trials == 1 else f"all its {trials} trials have run"
        reason = ran if nothing_left else row.reason
        number = f"N, above {trials}," if nothing_left and typed else "N"
        raise AnnotateError(
            f"experiment {folder.id} is done: {reason or 'all its trials have run'}",
            hint=f"annotate resume {folder.id} --max-trials {number} runs more trials",
        )
    new = new_settings(row.config, config, typed)
    notes: list[str] = []
    if change is not None and change.project is not None:
        config, notes = with_new_name(config, change.project)
    check_resumable(folder, config)
    in_front = args.foreground or args.driver is not None
    if args.background or (config.background and not in_front):
        return _in_background(
            args, folder, config, typed, goal(config, new=False) + resumed(trials, config, new)
        )
    return drive(
        Start(
            config,
            row.space if change is None else change.space,
            lambda: folder,
            tuple(notes),
            change,
            as_json=args.json,
            debug=args.debug,
            lock_file=args.driver,
            new_settings=tuple(new),
            logins=logins.read() if args.logins else {},
        )
    )


def _in_background(
    args: argparse.Namespace, folder: ExperimentFolder, config: Config, typed: Settings, goal: str
) -> int:
    """Report what is missing here, not only in the driver's log, and start the driver."""
    from runtime.cli import background, logins
    from runtime.core.variables import trial_variables
    from runtime.driver import elsewhere
    from runtime.gpus.opening import open_gpus

    hosts = elsewhere.check(config, logins.known(config), logins.asker())
    variables = trial_variables(config.env, os.environ)
    open_gpus(config, {**os.environ, **variables})
    return background.start(
        folder,
        _driver_options(args, typed),
        goal=goal,
        port=args.port,
        as_json=args.json,
        debug=args.debug,
        logins=logins.of(hosts),
    )


def changed_config(stored: dict[str, Any], typed: dict[str, Any]) -> Config:
    """The stored config with the typed settings. Raises AnnotateError if they make no sense."""
    before = Config.from_json(stored)
    config = Config.from_json({**before.to_json(), **typed})
    settings.refuse_unused(config, typed)
    return config


def _driver_options(args: argparse.Namespace, typed: Settings) -> list[str]:
    """The options that change the experiment; the background driver applies them itself."""
    file = args.search_space
    return [
        *([] if file is None else ["--search-space", str(file.absolute())]),
        *(["--annotations"] if args.annotations else []),
        *(["--settings", json.dumps(typed)] if typed else []),
    ]


def _change(
    args: argparse.Namespace, folder: ExperimentFolder, row: ExperimentRow
) -> Change | None:
    from runtime.loop import change_space

    if args.search_space is not None:
        from runtime.nni_config.space_file import read_space

        space = read_space(args.search_space, Config.from_json(row.config).tuner)
        return change_space.to_space(folder, row.space, space, source=args.search_space)
    if args.annotations:
        return change_space.from_annotations(folder, row.space, Config.from_json(row.config))
    return None
