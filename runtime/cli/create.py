"""Start the experiment that a config file describes, in the background.

  annotate create -c config.yml -p 8080
  annotate create -c config.yml --max-trials 20 --concurrency auto

Returns at once; the experiment keeps running when the terminal is closed. Options override the
file, whose fields docs/config.md lists."""

from __future__ import annotations

import argparse
from pathlib import Path

from runtime.cli import options, settings
from runtime.core.options import CREATE


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c", "--config", type=Path, required=True, metavar="FILE", help="the config file"
    )
    parser.add_argument(
        "-p",
        "--port",
        type=options.port,
        metavar="P",
        help="port of the pages (default: the first free port from 8080)",
    )
    parser.add_argument(
        "-f", "--foreground", action="store_true", help="run in the foreground until it is done"
    )
    parser.add_argument("-d", "--debug", action="store_true", help="log every step of the driver")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    settings.arguments(parser, CREATE)


def run(args: argparse.Namespace) -> int:
    from runtime.cli import standard_input, starting
    from runtime.driver.start import new_experiment

    config, described, notes = settings.from_file(args)
    stdin, input_notes = standard_input.read(config, described.project)
    return starting.start(
        new_experiment(
            config,
            described.project,
            notes=(*notes, *input_notes),
            stdin=stdin,
            background=not args.foreground,
            port=args.port,
            as_json=args.json,
            debug=args.debug or described.debug,
        )
    )
