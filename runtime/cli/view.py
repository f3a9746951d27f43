"""Show one experiment in the browser. Without ID: the running one, else the newest."""

from __future__ import annotations

import argparse

from runtime.cli import options, selection, terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    parser.add_argument(
        "-p",
        "--port",
        type=options.port,
        metavar="P",
        help="port of the web server (default: from 8080)",
    )


def run(args: argparse.Namespace) -> int:
    from runtime.server import launch

    folder = selection.experiment(args.id)
    for address in launch.ensure(args.port, folder.id):
        terminal.show(address)
    return 0
