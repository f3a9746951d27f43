"""Show all experiments in the browser: prints the address of the server of the pages, which is
started where none runs. The link holds the secret that allows changes, and other users of this
machine to read: keep it to yourself."""

from __future__ import annotations

import argparse
import os
import socket

from runtime.cli import options


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=options.port, metavar="P", help="default: from 8080 on")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="another address of this machine lets other machines in, unencrypted",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which browsers call the server, as a proxy or a domain gives it",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--foreground", action="store_true", help="serve until Ctrl-C")
    what.add_argument("--stop", action="store_true", help="end the server; experiments go on")
    what.add_argument("--inherited", type=int, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from runtime.server import launch

    names = tuple(args.name)
    if args.stop:
        ports = launch.stop()
        print("\n".join(f"The server on port {port} has ended." for port in ports) or "None runs.")
    elif args.inherited is not None:
        with socket.socket(fileno=args.inherited) as listener:
            _serve(listener, args.host, names)
    elif args.foreground:
        with launch.claimed(args.port, args.host) as (listener, _):
            _serve(listener, args.host, names, say=True)
    else:
        for address in launch.ensure(args.port, host=args.host, names=names):
            print(address)
    return 0


def _serve(
    listener: socket.socket, host: str, names: tuple[str, ...], *, say: bool = False
) -> None:
    from runtime.server import launch
    from runtime.server.app import serve

    port = int(listener.getsockname()[1])
    server = launch.Server(os.getpid(), host, port, names or launch.called(host))
    launch.keep(server)
    if say:
        print("\n".join([*server.addresses(), "Ctrl-C ends the server."]), flush=True)
    serve(listener, server)
