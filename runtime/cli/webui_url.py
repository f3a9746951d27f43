"""Print the link to an experiment. Without ID: the running one, else the newest."""

from __future__ import annotations

import argparse

from annotate.errors import AnnotateError
from runtime.cli import selection, terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)


def run(args: argparse.Namespace) -> int:
    from runtime.kept import lookup
    from runtime.server import launch

    folder, _ = lookup.find(args.id)
    servers = launch.running()
    if not servers:
        raise AnnotateError(
            "no web server is running", hint=f"start one with: annotate view {folder.id}"
        )
    for server in servers:
        terminal.show("\n".join(server.addresses(folder.id)))
    return 0
