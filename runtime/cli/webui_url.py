"""Print the addresses of the pages. Without an ID: of the experiment that runs, or the newest."""

from __future__ import annotations

import argparse

from annotate.errors import AnnotateError
from runtime.cli import chosen


def arguments(parser: argparse.ArgumentParser) -> None:
    chosen.argument(parser)


def run(args: argparse.Namespace) -> int:
    from runtime.kept import lookup
    from runtime.server import launch

    folder, _ = lookup.find(args.id)
    servers = launch.running()
    if not servers:
        raise AnnotateError(
            "no server of the pages runs", hint=f"annotate view {folder.id} starts one"
        )
    for server in servers:
        print("\n".join(server.addresses(folder.id)))
    return 0
