"""Remove what crashes left: half created or half deleted experiments, and files on machines.

  annotate platform clean
  annotate platform clean --hosts alpha,beta
  annotate platform clean --ray auto
  annotate platform clean --slurm partition=gpu,nodelist=n[1-4]

Results are never touched; `annotate experiment delete` removes those. On machines that --hosts,
--ray or a config file names, the code and data sent there are removed too, unless trials run there.
With --slurm, jobs whose experiment has no driver are cancelled, and short jobs clean the nodes of
nodelist, or any one."""

from __future__ import annotations

import argparse
import shutil
import time
from typing import TYPE_CHECKING

from runtime.cli import machines, terminal
from runtime.system.units import count

if TYPE_CHECKING:
    from runtime.core.host import Host
    from runtime.core.slurm_request import SlurmRequest
    from runtime.executors.remote.carrier import Unreachable
    from runtime.stage.agent.frames import Message

_OLD = 600.0  # seconds; a younger folder may still be under construction


def arguments(parser: argparse.ArgumentParser) -> None:
    machines.arguments(parser)


def run(args: argparse.Namespace) -> int:
    from runtime.core import paths
    from runtime.kept import lookup
    from runtime.system.lock import is_held

    if args.config is not None and not args.config.exists():  # NNI's command requires the option
        terminal.say(f"{args.config} does not exist; only this machine is cleaned.")
        args.config = None
    hosts = machines.named(args)
    unfinished = [folder.path for folder in lookup.unfinished() if not is_held(folder.lock)]
    old = [path for path in unfinished if time.time() - path.stat().st_mtime > _OLD]
    removed = [*old, *paths.experiments().glob(".removed-*")]
    for path in removed:
        shutil.rmtree(path, ignore_errors=True)
    removal = f"Removed {count(len(removed), 'folder')}."
    terminal.show(removal if removed else "There was nothing to remove.")
    cluster = machines.cluster(args)
    if cluster is not None:
        return _clean_ray(cluster, args.python)
    asked = machines.jobs(args)
    if asked is not None:
        return _clean_slurm(*asked)
    return _clean(hosts) if hosts else 0


def _clean_slurm(request: SlurmRequest, python: str) -> int:
    """Cancel jobs that no driver owns, and clean nodes; returns the exit code."""
    from runtime.driver.slurm_cleaning import clean
    from runtime.executors.slurm.commands import SlurmFailed

    try:
        queue, nodes = clean(request.options, python)
    except SlurmFailed as error:
        terminal.say(f"Slurm: {error}")
        return 2
    for experiment, jobs in queue.abandoned.items():
        about = f"{count(len(jobs), 'job')} of experiment {experiment}, which has no driver"
        terminal.show(f"Slurm: cancelled {about}.")
    for experiment, jobs in queue.owned.items():
        terminal.show(f"Slurm: {count(len(jobs), 'job')} of experiment {experiment} in use; kept.")
    for experiment, jobs in queue.foreign.items():
        words = f"{count(len(jobs), 'job')} of experiment {experiment}, which is not in this home"
        terminal.show(f"Slurm: {words}; kept. To end them: scancel {' '.join(jobs)}")
    results = [_tell(name, removed) for name, removed in nodes.items()]
    return 0 if all(results) else 2


def _clean_ray(cluster: str, python: str) -> int:
    """Clean the nodes of a Ray cluster; returns the exit code."""
    from runtime.driver.cleaning import clean_cluster
    from runtime.executors.ray.connection import check_installed
    from runtime.executors.ray.request import parse_request
    from runtime.executors.remote.carrier import Unreachable

    check_installed()
    try:
        nodes = clean_cluster(parse_request(cluster), python)
    except Unreachable as error:
        terminal.say(f"Ray: {error}")
        return 2
    results = [_tell(name, removed) for name, removed in nodes.items()]
    return 0 if all(results) else 2


def _clean(hosts: list[Host]) -> int:
    """Remove what agents left on the hosts; returns the exit code."""
    from runtime.cli import logins
    from runtime.driver.cleaning import clean
    from runtime.driver.elsewhere import look_at
    from runtime.executors.ssh.carrier import LockedOut

    looks = look_at(hosts, logins.asker())
    lost = [look for look in looks if isinstance(look.seen, LockedOut)]
    for look in lost:
        terminal.say(f"{look.host.name}: {look.seen}")
    reached = [look.host for look in looks if look not in lost]
    cleaned = zip(reached, clean(reached), strict=True)
    results = [_tell(host.name, removed) for host, removed in cleaned]
    return 2 if lost or not all(results) else 0


def _tell(name: str, removed: Message | Unreachable) -> bool:
    """Say what was removed on a machine; returns whether it could be reached."""
    from runtime.executors.remote.carrier import Unreachable

    if isinstance(removed, Unreachable):
        terminal.say(f"{name}: {removed}")
        return False
    about = count(len(removed["removed"]), "experiment")
    names = f" ({', '.join(removed['removed'])})" if removed["removed"] else ""
    terminal.show(f"{name}: removed {about}{names}, {removed['freed'] / 1e6:.1f} MB in all.")
    if removed["kept"]:
        terminal.show(f"{name}: trials of {', '.join(removed['kept'])} run there; kept.")
    return True
