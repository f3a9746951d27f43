"""Go on with an experiment that was interrupted: nothing is lost, what was cut off runs again.

The experiment's own snapshot of the script is used, whatever has been edited since, unless
--annotations reads the script again. What was started in the background goes on there, unless
--foreground is given."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.cli import chosen, options

if TYPE_CHECKING:
    from runtime.core.paths import ExperimentFolder
    from runtime.loop.change_space import Change
    from runtime.store import ExperimentRow


def arguments(parser: argparse.ArgumentParser) -> None:
    chosen.argument(parser)
    space = parser.add_mutually_exclusive_group()
    space.add_argument(
        "--search-space",
        type=Path,
        metavar="FILE",
        help="go on with this search space; results that lie in it still count",
    )
    space.add_argument(
        "--annotations",
        action="store_true",
        help="go on with the script and its annotations as they are now",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document on standard output at the end"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-f", "--foreground", action="store_true", help="stay in front")
    where.add_argument("-b", "--background", action="store_true", help="return at once")
    where.add_argument("--driver", type=int, help=argparse.SUPPRESS)  # its lock's file
    parser.add_argument("-p", "--port", type=options.port, metavar="P", help="of the pages")
    parser.add_argument("-d", "--debug", action="store_true", help="every step in the driver's log")


def run(args: argparse.Namespace) -> int:
    from annotate.errors import AnnotateError
    from runtime.cli import background
    from runtime.cli.driving import drive
    from runtime.core.config import Config
    from runtime.driver.start import Start
    from runtime.store import Store

    folder = chosen.experiment(args.id)
    with Store.open(folder.store) as store:
        row = store.experiment()
    change = _change(args, folder, row)
    if row.state == "DONE" and change is None:
        raise AnnotateError(
            f"experiment {folder.id} is done: {row.reason or 'all its trials have run'}",
            hint=f"annotate trial ls {folder.id} shows them",
        )
    space = row.space if change is None else change.space
    config = Config.from_json(row.config)
    in_front = args.foreground or args.driver is not None
    if args.background or (config.background and not in_front):
        return background.start(
            folder, _driver_options(args), port=args.port, as_json=args.json, debug=args.debug
        )
    return drive(
        Start(
            config,
            space,
            lambda: folder,
            change=change,
            as_json=args.json,
            debug=args.debug,
            lock_file=args.driver,
        )
    )


def _driver_options(args: argparse.Namespace) -> list[str]:
    """The options that change the search space; the background driver applies them itself."""
    file = args.search_space
    return [
        *([] if file is None else ["--search-space", str(file.absolute())]),
        *(["--annotations"] if args.annotations else []),
    ]


def _change(
    args: argparse.Namespace, folder: ExperimentFolder, row: ExperimentRow
) -> Change | None:
    from runtime.core.config import Config
    from runtime.loop import change_space

    if args.search_space is not None:
        return change_space.from_file(folder, row.space, args.search_space)
    if args.annotations:
        return change_space.from_annotations(folder, row.space, Config.from_json(row.config))
    return None
