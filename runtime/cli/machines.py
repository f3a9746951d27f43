"""The machines that a command names: `--hosts`, `--ray`, `--slurm`, or a config file with them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError

if TYPE_CHECKING:
    from runtime.core.host import Host
    from runtime.core.options import Settings
    from runtime.core.slurm_request import SlurmRequest


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--hosts", default="", metavar="HOST,...", help="machines, as for annotate run"
    )
    parser.add_argument(
        "--ray", metavar="ADDRESS,K=N,...", help="a Ray cluster, as for annotate run"
    )
    parser.add_argument("--slurm", metavar="K=V,...", help="options of jobs, as for annotate run")
    parser.add_argument(
        "-c",
        "--config",
        type=Path,
        metavar="FILE",
        help="a config file with a machineList, Slurm or Ray",
    )
    parser.add_argument("--python", default="", metavar="PATH", help="the interpreter there")


def named(args: argparse.Namespace) -> list[Host]:
    """The machines, with their secrets; none if none is named. Raises AnnotateError."""
    from runtime import nni_config
    from runtime.core.host import parse_hosts, with_details

    if args.hosts:
        _refuse_two(args, "hosts", "config", "slurm")
        return [_with_python(host, args.python) for host in parse_hosts(args.hosts)]
    settings = _settings(args)
    if settings.get("executor") != "ssh":
        return []
    hosts = with_details(
        parse_hosts(settings["hosts"]),
        settings.get("machines", {}),
        nni_config.logins(args.config),
    )
    return [_with_python(host, args.python or settings["python_there"]) for host in hosts]


def cluster(args: argparse.Namespace) -> str | None:
    """The Ray cluster that the command or the config file names, as for `--ray`."""
    if args.ray is not None:
        _refuse_two(args, "ray", "hosts", "config", "slurm")
        return str(args.ray)
    settings = _settings(args)
    return str(settings["ray"]) if settings.get("executor") == "ray" else None


def jobs(args: argparse.Namespace) -> tuple[SlurmRequest, str] | None:
    """What is asked of Slurm, and the interpreter there; None if nothing. Raises AnnotateError."""
    from runtime.core.slurm_request import parse_request

    if args.slurm is not None:
        _refuse_two(args, "slurm", "config")
        return parse_request(args.slurm), args.python
    settings = _settings(args)
    if settings.get("executor") != "slurm":
        return None
    return parse_request(settings["slurm"]), args.python or settings["python_there"]


def _settings(args: argparse.Namespace) -> Settings:
    """The settings of the config file, if there is one."""
    from runtime import nni_config

    return {} if args.config is None else nni_config.read(args.config, os.environ).settings


def _refuse_two(args: argparse.Namespace, name: str, *others: str) -> None:
    for other in others:
        if getattr(args, other) not in (None, ""):
            message = f"--{name} and --{other} both name machines"
            raise AnnotateError(message, hint="give one of them")


def _with_python(host: Host, python: str) -> Host:
    from dataclasses import replace

    return replace(host, python=python)
