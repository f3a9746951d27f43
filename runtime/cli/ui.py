"""Show all experiments in the browser. Prints the link and starts the web server if needed.

The link contains a secret that allows changes, and lets other users of this machine read. Keep it
to yourself."""

from __future__ import annotations

import argparse
import os
import socket
import sys

from runtime.cli import options, terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=options.port,
        metavar="P",
        help="port of the web server (default: the first free one from 8080)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on; any but the default lets other machines in, unencrypted",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="NAME",
        help="accept this host name in links, e.g. of a proxy; may be repeated",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--foreground", action="store_true", help="run in the foreground until Ctrl-C"
    )
    mode.add_argument(
        "--stop", action="store_true", help="stop the server; experiments keep running"
    )
    mode.add_argument("--inherited", type=int, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from runtime.server import launch

    names = tuple(args.name)
    if args.stop:
        ports = launch.stop()
        lines = [f"Stopped the server on port {port}." for port in ports]
        terminal.show("\n".join(lines) or "No server is running.")
    elif args.inherited is not None:
        with socket.socket(fileno=args.inherited) as listener:
            _serve(listener, args.host, names)
    elif args.foreground:
        with launch.claim(args.port, args.host) as (listener, _):
            _serve(listener, args.host, names, print_links=True)
    else:
        for address in launch.ensure(args.port, host=args.host, names=names):
            terminal.show(address)
    return 0


def _serve(
    listener: socket.socket, host: str, names: tuple[str, ...], *, print_links: bool = False
) -> None:
    from runtime.server import launch
    from runtime.server.app import serve

    port = int(listener.getsockname()[1])
    server = launch.Server(os.getpid(), host, port, names or launch.names_of(host))
    launch.write_record(server)
    if print_links:
        terminal.show("\n".join([*server.addresses(), "Press Ctrl-C to stop the server."]))
        sys.stdout.flush()
    serve(listener, server)
