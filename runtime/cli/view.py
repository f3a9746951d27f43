"""Show one experiment in the browser. Without an ID: the one that runs, else the newest."""

from __future__ import annotations

import argparse
import sys

from runtime.cli import options


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", metavar="ID", help="the experiment's id or its beginning")
    parser.add_argument("-p", "--port", type=options.port, metavar="P", help="of the pages")


def run(args: argparse.Namespace) -> int:
    from runtime import lookup
    from runtime.server import launch

    folder, said = lookup.find(args.id)
    if said:
        print(said, file=sys.stderr)
    for address in launch.ensure(args.port, folder.id):
        print(address)
    return 0
