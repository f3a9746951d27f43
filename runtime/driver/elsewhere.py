"""Builds the executor of an experiment whose trials run on other machines."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from annotate.errors import AnnotateError
from runtime.core import paths
from runtime.core.config import Config
from runtime.core.host import Host, Login, parse_hosts, with_details
from runtime.core.paths import ExperimentFolder
from runtime.executors.base import Event
from runtime.executors.remote.carrier import Unreachable
from runtime.executors.remote.code_folder import files_to_ship, holds_secrets
from runtime.executors.remote.executor import RemoteExecutor
from runtime.executors.remote.plan import Plan
from runtime.executors.ssh.carrier import PASSPHRASE, PASSWORD, LockedOut, SshCarrier
from runtime.system.private import users_umask

#: Asks the user for a secret; "" if there is no answer.
Ask: TypeAlias = Callable[[str], str]
_TRIES = 3


def check(config: Config, logins: Mapping[str, Login], ask: Ask | None) -> tuple[Host, ...]:
    """The hosts that trials run on, none for this machine; `logins` has their secrets by name.

    Connects to the hosts: one that works is enough. Asks for a secret that is missing, if it can.
    Raises AnnotateError.
    """
    if config.executor == "local":
        if config.hosts:
            raise AnnotateError("--hosts has no effect with --executor local", hint="remove one")
        return ()
    hosts = with_details(parse_hosts(config.hosts), config.machines, logins)
    if importlib.util.find_spec("asyncssh") is None:
        raise AnnotateError(
            "trials on other machines need the package asyncssh",
            hint='install it with: pip install "annotate-hpo[ssh]"',
        )
    for given, flag in ((config.gpus, "--gpus"), (config.isolate, "--isolate")):
        if given:
            raise AnnotateError(f"{flag} works on this machine only", hint=f"remove {flag}")
    logging.getLogger("asyncssh").setLevel(logging.WARNING)  # it logs every command
    hosts, failures = asyncio.run(_connect(hosts, ask))
    if len(failures) == len(hosts):
        lines = [f"{host.name}: {why}" for host, why in zip(hosts, failures, strict=True)]
        raise AnnotateError("\n".join(lines), hint=failures[0].hint)
    return tuple(replace(host, python=config.python_there) for host in hosts)


async def _connect(
    hosts: Sequence[Host], ask: Ask | None
) -> tuple[tuple[Host, ...], list[Unreachable]]:
    """Connect to all hosts at once; returns them with their secrets, and the failures."""
    connected = []
    failures = []
    results = await asyncio.gather(*(_failure(host) for host in hosts))
    for host, failure in zip(hosts, results, strict=True):
        if ask is not None and isinstance(failure, LockedOut):
            host, failure = await _unlock(host, failure, ask)
        connected.append(host)
        failures += [] if failure is None else [failure]
    return tuple(connected), failures


async def _failure(host: Host) -> Unreachable | None:
    try:
        await SshCarrier(host).check()
    except Unreachable as error:
        return error
    return None


async def _unlock(
    host: Host, failure: Unreachable | None, ask: Ask
) -> tuple[Host, Unreachable | None]:
    """Ask for what the host wants until it lets the user in."""
    for kind in (PASSPHRASE, PASSWORD):
        for _ in range(_TRIES):
            if not isinstance(failure, LockedOut) or kind not in failure.wants:
                break
            owner = "the key for " if kind == PASSPHRASE else ""
            secret = ask(f"{kind.capitalize()} of {owner}{host.name}: ")
            if not secret:
                break
            host = replace(host, login=replace(host.login, **{kind: secret}))
            failure = await _failure(host)
    return host, failure


def executor(
    config: Config,
    hosts: Sequence[Host],
    folder: ExperimentFolder,
    script: str | None,
    post: Callable[[Event], None],
    note: Callable[[str], None],
) -> RemoteExecutor:
    """Ships the code folder's files; `note` gets what users should know."""
    code = Path(os.fsdecode((folder.stage / "root").read_bytes()))
    files, left = files_to_ship(code, paths.home())
    if left:
        note(f"too large to be sent to other machines: {_shown(left, code)}")
    private = [path for path in files if holds_secrets(path)]
    if private:
        note(f"not sent to other machines, as it has passwords or keys: {_shown(private, code)}")
    files = [path for path in files if path not in private]
    plan = Plan(folder, code, tuple(files), Path(config.cwd), script, users_umask())
    return RemoteExecutor(post, [SshCarrier(host) for host in hosts], plan, note)


def _shown(files: Sequence[Path], root: Path) -> str:
    names = ", ".join(str(path.relative_to(root)) for path in files[:3])
    return names + (", ..." if files[3:] else "")
