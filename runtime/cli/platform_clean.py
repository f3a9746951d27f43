"""Remove what crashes left: half created or half deleted experiments, and files on machines.

  annotate platform clean
  annotate platform clean --hosts alpha,beta

Results are never touched; `annotate experiment delete` removes those. On machines that --hosts or a
config file names, the code and data sent there are removed too, unless trials run there."""

from __future__ import annotations

import argparse
import shutil
import time
from typing import TYPE_CHECKING

from runtime.cli import machines, terminal
from runtime.system.units import count

if TYPE_CHECKING:
    from runtime.core.host import Host

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
    return _clean(hosts) if hosts else 0


def _clean(hosts: list[Host]) -> int:
    """Remove what agents left on the hosts; returns the exit code."""
    from runtime.cli import logins
    from runtime.driver.cleaning import clean
    from runtime.driver.elsewhere import look_at
    from runtime.executors.remote.carrier import Unreachable
    from runtime.executors.ssh.carrier import LockedOut

    looks = look_at(hosts, logins.asker())
    lost = [look for look in looks if isinstance(look.seen, LockedOut)]
    for look in lost:
        terminal.say(f"{look.host.name}: {look.seen}")
    reached = [look.host for look in looks if look not in lost]
    failed = bool(lost)
    for host, done in zip(reached, clean(reached), strict=True):
        if isinstance(done, Unreachable):
            failed = True
            terminal.say(f"{host.name}: {done}")
            continue
        about = count(len(done["removed"]), "experiment")
        names = f" ({', '.join(done['removed'])})" if done["removed"] else ""
        terminal.show(f"{host.name}: removed {about}{names}, {done['freed'] / 1e6:.1f} MB in all.")
        if done["kept"]:
            terminal.show(f"{host.name}: trials of {', '.join(done['kept'])} run there; kept.")
    return 2 if failed else 0
