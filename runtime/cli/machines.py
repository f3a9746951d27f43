"""The machines that a command names with `--hosts`, or a config file with its machineList."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError

if TYPE_CHECKING:
    from runtime.core.host import Host


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--hosts", default="", metavar="HOST,...", help="machines, as for annotate run"
    )
    parser.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="a config file with a machineList"
    )
    parser.add_argument("--python", default="", metavar="PATH", help="the interpreter there")


def named(args: argparse.Namespace) -> list[Host]:
    """The machines, with their secrets; none if none is named. Raises AnnotateError."""
    from runtime import nni_config
    from runtime.core.host import parse_hosts, with_details

    if args.hosts and args.config:
        raise AnnotateError("--hosts and --config both name machines", hint="give one of them")
    if args.hosts:
        return [_with_python(host, args.python) for host in parse_hosts(args.hosts)]
    if args.config is None:
        return []
    settings = nni_config.read(args.config, os.environ).settings
    if settings.get("executor", "local") == "local":
        return []
    hosts = with_details(
        parse_hosts(settings["hosts"]),
        settings.get("machines", {}),
        nni_config.logins(args.config),
    )
    return [_with_python(host, args.python or settings["python_there"]) for host in hosts]


def cluster(args: argparse.Namespace) -> str | None:
    """The Ray cluster that the command or the config file names, as for `--ray`."""
    from runtime import nni_config

    if args.ray is not None:
        if args.hosts or args.config:
            raise AnnotateError("--ray and another option name machines", hint="give one of them")
        return str(args.ray)
    if args.config is None:
        return None
    settings = nni_config.read(args.config, os.environ).settings
    return str(settings["ray"]) if settings.get("executor") == "ray" else None


def _with_python(host: Host, python: str) -> Host:
    from dataclasses import replace

    return replace(host, python=python)
