"""Start the experiment that a config file describes, in the background.

  annotate create -c config.yml -p 8080

Returns at once; the experiment goes on when the terminal is closed. docs/config.md lists the
fields of the file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from runtime.cli import options


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c", "--config", type=Path, required=True, metavar="FILE", help="the config file"
    )
    parser.add_argument(
        "-p", "--port", type=options.port, metavar="P", help="of the pages (default: from 8080 on)"
    )
    parser.add_argument("-f", "--foreground", action="store_true", help="stay in front")
    parser.add_argument("-d", "--debug", action="store_true", help="every step in the driver's log")
    parser.add_argument("--python", metavar="PATH", help="runs the trials in place of `python`")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    from runtime import nni_config
    from runtime.cli import starting
    from runtime.driver.start import new_experiment

    meant = nni_config.read(args.config, os.environ, python=args.python)
    start = new_experiment(
        meant.config,
        meant.project,
        notes=tuple(meant.notes),
        background=not args.foreground,
        port=args.port,
        as_json=args.json,
        debug=args.debug or meant.debug,
    )
    return starting.start(start)
