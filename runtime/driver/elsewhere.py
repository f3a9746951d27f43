"""Builds the executor of an experiment whose trials run on other machines."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from annotate.errors import AnnotateError
from runtime.core import paths
from runtime.core.config import MACHINE_SETTINGS, OPTIONS, Config
from runtime.core.host import Host, Login, parse_hosts, with_details
from runtime.core.paths import ExperimentFolder
from runtime.core.slurm_request import SlurmRequest, parse_request
from runtime.executors.base import Event
from runtime.executors.ray.connection import RayConnection, check_installed
from runtime.executors.ray.executor import RayExecutor
from runtime.executors.ray.placing import Demand
from runtime.executors.ray.request import LOCAL
from runtime.executors.ray.request import parse_request as parse_ray
from runtime.executors.remote.carrier import Unreachable
from runtime.executors.remote.code_folder import files_to_ship, holds_secrets
from runtime.executors.remote.executor import RemoteExecutor
from runtime.executors.remote.plan import Plan
from runtime.executors.remote.probe import Seen, probe
from runtime.executors.slurm import commands
from runtime.executors.slurm.executor import SlurmExecutor
from runtime.executors.ssh.carrier import PASSPHRASE, PASSWORD, LockedOut, SshCarrier
from runtime.gpus.world import VISIBLE, world
from runtime.stage.agent.gpus.device import View
from runtime.system.private import users_umask

#: Asks the user for a secret; "" if there is no answer.
Ask: TypeAlias = Callable[[str], str]
_TRIES = 3
_NO_GPU = "annotate engines check shows the GPUs of each host; without --gpus, none is leased"


def check(config: Config, logins: Mapping[str, Login], ask: Ask | None) -> tuple[Host, ...]:
    """The hosts that trials run on, none for this machine; `logins` has their secrets by name.

    Connects to the hosts: one that works is enough. Asks for a secret that is missing, if it can.
    Asks Slurm whether it takes such a job. Raises AnnotateError.
    """
    for text, name in ((config.slurm, "slurm"), (config.ray, "ray")):
        if text and config.executor != name:
            raise AnnotateError(
                f"--{name} has no effect with --executor {config.executor}", hint="remove one"
            )
    if config.executor == "local":
        if config.hosts:
            raise AnnotateError("--hosts has no effect with --executor local", hint="remove one")
        return ()
    if config.isolate:
        raise AnnotateError(
            "--isolate works on this machine only: elsewhere, trials share the machine's copy of"
            " the working folder",
            hint="remove --isolate, and let the script write to NNI_OUTPUT_DIR: that folder is each"
            " trial's own and comes home",
        )
    if config.executor == "ray":
        _check_ray(config)
        return ()
    if config.executor == "slurm":
        _check_slurm(config)
        return ()
    return _check_hosts(config, logins, ask)


def _check_slurm(config: Config) -> None:
    if config.hosts:
        raise AnnotateError("--hosts has no effect with --executor slurm", hint="remove one")
    _refuse_gpu_settings(config, "Slurm")
    reason, _ = asyncio.run(commands.would_start(slurm_request(config).options))
    if reason is not None:
        raise AnnotateError(f"Slurm refuses: {reason}", hint="change --slurm")


def slurm_request(config: Config) -> SlurmRequest:
    """What is asked of Slurm, with the GPUs of `--gpus`. Raises AnnotateError."""
    request = parse_request(config.slurm)
    if not config.gpus:
        return request
    if request.gpu_option:
        message = f"--gpus {config.gpus} and {request.gpu_option} both ask for GPUs"
        raise AnnotateError(message, hint="give one of them")
    gres = f"--gres=gpu:{config.gpus * request.slots}"  # a pilot's slots divide its GPUs
    return replace(request, options=(*request.options, gres))


def _refuse_gpu_settings(config: Config, engine: str) -> None:
    for name in MACHINE_SETTINGS:
        if getattr(config, name) != OPTIONS[name].default:
            reason = f"{OPTIONS[name].flags[0]} has no effect with --executor {engine.lower()}"
            raise AnnotateError(reason, hint=f"{engine} chooses the GPUs")


def _check_ray(config: Config) -> None:
    request = parse_ray(config.ray, config.gpus)
    if config.hosts:
        raise AnnotateError("--hosts has no effect with --executor ray", hint="remove one")
    _refuse_gpu_settings(config, "Ray")
    check_installed()
    if request.address != LOCAL:
        asyncio.run(_connect_to_ray(request.address))


async def _connect_to_ray(address: str) -> None:
    connection = RayConnection(address)
    try:
        await connection.connect()
    except Unreachable as error:
        raise AnnotateError(str(error), hint=error.hint) from None
    finally:
        await connection.close()


def _check_hosts(config: Config, logins: Mapping[str, Login], ask: Ask | None) -> tuple[Host, ...]:
    hosts = with_details(parse_hosts(config.hosts), config.machines, logins)
    hosts = tuple(replace(host, python=config.python_there) for host in hosts)
    looks = [_with_gpus(look, config) for look in look_at(hosts, ask, gpus=bool(config.gpus))]
    failures = [look.seen for look in looks if isinstance(look.seen, Unreachable)]
    if len(failures) == len(looks):
        lines = [f"{look.host.name}: {look.seen}" for look in looks]
        raise AnnotateError("\n".join(lines), hint=failures[0].hint)
    return tuple(look.host for look in looks)


def _with_gpus(look: Look, config: Config) -> Look:
    """The look, which fails if the host lacks GPUs that a trial needs."""
    if isinstance(look.seen, Unreachable) or not config.gpus:
        return look
    gpus = look.seen.facts["gpus"]
    if gpus["unusable"]:
        return replace(look, seen=Unreachable(f"--gpus {config.gpus}: {gpus['unusable']}", _NO_GPU))
    try:
        visible = {} if gpus["visible"] is None else {VISIBLE: gpus["visible"]}
        world(config.on_machine(look.host.name), View.from_json(gpus["view"]), visible)
    except AnnotateError as error:
        return replace(look, seen=Unreachable(error.message, error.hint))
    return look


@dataclass(frozen=True, slots=True)
class Look:
    """A host with its secrets, and what was seen there, or why nothing was."""

    host: Host
    seen: Seen | Unreachable


def look_at(hosts: Sequence[Host], ask: Ask | None, *, gpus: bool = False) -> list[Look]:
    """Look at all hosts, and their GPUs, at once. Asks for a secret that is missing, if it can.

    Raises AnnotateError if the package for it is missing.
    """
    if importlib.util.find_spec("asyncssh") is None:
        raise AnnotateError(
            "trials on other machines need the package asyncssh",
            hint='install it with: pip install "annotate-hpo[ssh]"',
        )
    logging.getLogger("asyncssh").setLevel(logging.WARNING)  # it logs every command
    return asyncio.run(_look_at(hosts, ask, gpus))


async def _look_at(hosts: Sequence[Host], ask: Ask | None, gpus: bool) -> list[Look]:
    looks = list(await asyncio.gather(*(_look(host, gpus) for host in hosts)))
    if ask is not None:
        looks = [await _unlock(look, ask, gpus) for look in looks]
    return looks


async def _look(host: Host, gpus: bool) -> Look:
    try:
        return Look(host, await probe(SshCarrier(host), gpus=gpus))
    except Unreachable as error:
        return Look(host, error)


async def _unlock(look: Look, ask: Ask, gpus: bool) -> Look:
    """Ask for what the host wants until it lets the user in."""
    for kind in (PASSPHRASE, PASSWORD):
        for _ in range(_TRIES):
            if not isinstance(look.seen, LockedOut) or kind not in look.seen.wants:
                break
            owner = "the key for " if kind == PASSPHRASE else ""
            secret = ask(f"{kind.capitalize()} of {owner}{look.host.name}: ")
            if not secret:
                break
            login = replace(look.host.login, **{kind: secret})
            look = await _look(replace(look.host, login=login), gpus)
    return look


def executor(
    config: Config,
    hosts: Sequence[Host],
    variables: Mapping[str, str],
    folder: ExperimentFolder,
    script: str | None,
    post: Callable[[Event], None],
    note: Callable[[str], None],
) -> RemoteExecutor:
    """Ships the code folder's files; `variables` are for trials; `note` is for users."""
    code = Path(os.fsdecode((folder.stage / "root").read_bytes()))
    files, left = files_to_ship(code, paths.home())
    if left:
        note(f"too large to be sent to other machines: {_shown(left, code)}")
    private = [path for path in files if holds_secrets(path)]
    if private:
        note(f"not sent to other machines, as it has passwords or keys: {_shown(private, code)}")
    files = [path for path in files if path not in private]
    if not Path(os.path.realpath(config.cwd)).is_relative_to(code):
        note(f"other machines get the code folder {code}, not the rest of the working folder")
    python_path = os.environ.get("PYTHONPATH", "")
    if config.executor == "slurm" and not parse_request(config.slurm).pilots:
        script = None  # one trial a job: its interpreter starts sooner than a fork server
    plan = Plan(
        folder,
        code,
        tuple(files),
        Path(config.cwd),
        script,
        users_umask(),
        python_path,
        gpus=config.leases_gpus,
        variables=variables,
    )
    if config.executor == "slurm":
        return SlurmExecutor(post, slurm_request(config), plan, note, config.python_there)
    if config.executor == "ray":
        ray = parse_ray(config.ray, config.gpus)
        return RayExecutor(post, ray, plan, _demand(config), note, config.python_there)
    return RemoteExecutor(post, [SshCarrier(host) for host in hosts], plan, note)


def _demand(config: Config) -> Demand:
    at_a_time = config.concurrency if isinstance(config.concurrency, int) else None
    return Demand(at_a_time, config.max_trials)


def _shown(files: Sequence[Path], root: Path) -> str:
    names = ", ".join(str(path.relative_to(root)) for path in files[:3])
    return names + (", ..." if files[3:] else "")
