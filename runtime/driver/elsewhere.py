"""Builds the executor of an experiment whose trials run on other machines."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from annotate.errors import AnnotateError
from runtime.core import paths
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.executors.base import Event
from runtime.executors.remote.carrier import Unreachable
from runtime.executors.remote.code_folder import files_to_ship
from runtime.executors.remote.executor import RemoteExecutor
from runtime.executors.remote.plan import Plan
from runtime.executors.ssh.carrier import SshCarrier
from runtime.executors.ssh.host import Host, parse_hosts
from runtime.system.private import users_umask


def check(config: Config) -> None:
    """Find mistakes in what says where trials run; raises AnnotateError.

    Connects to the hosts: one that works is enough.
    """
    if config.executor == "local":
        if config.hosts:
            raise AnnotateError("--hosts has no effect with --executor local", hint="remove one")
        return
    hosts = parse_hosts(config.hosts)
    if importlib.util.find_spec("asyncssh") is None:
        raise AnnotateError(
            "trials on other machines need the package asyncssh",
            hint='install it with: pip install "annotate-hpo[ssh]"',
        )
    for given, flag in ((config.gpus, "--gpus"), (config.isolate, "--isolate")):
        if given:
            raise AnnotateError(f"{flag} works on this machine only", hint=f"remove {flag}")
    logging.getLogger("asyncssh").setLevel(logging.WARNING)  # it logs every command
    failures = asyncio.run(_connect(hosts))
    if len(failures) == len(hosts):
        lines = [f"{host.name}: {why}" for host, why in zip(hosts, failures, strict=True)]
        raise AnnotateError("\n".join(lines), hint=failures[0].hint)


async def _connect(hosts: Sequence[Host]) -> list[Unreachable]:
    """Connect to all hosts at once; returns the failures."""
    checks = [SshCarrier(host).check() for host in hosts]
    results = await asyncio.gather(*checks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Unreachable):
            raise result
    return [result for result in results if isinstance(result, Unreachable)]


def executor(
    config: Config,
    folder: ExperimentFolder,
    script: str | None,
    post: Callable[[Event], None],
    note: Callable[[str], None],
) -> RemoteExecutor:
    """Ships the code folder's files; `note` gets what users should know."""
    code = Path(os.fsdecode((folder.stage / "root").read_bytes()))
    files, left = files_to_ship(code, paths.home())
    if left:
        shown = ", ".join(str(path.relative_to(code)) for path in left[:3])
        note(f"too large to be sent to other machines: {shown}{', ...' if left[3:] else ''}")
    plan = Plan(folder, code, tuple(files), Path(config.cwd), script, users_umask())
    hosts = [replace(host, python=config.python_there) for host in parse_hosts(config.hosts)]
    return RemoteExecutor(post, [SshCarrier(host) for host in hosts], plan, note)
