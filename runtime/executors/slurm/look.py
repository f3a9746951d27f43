"""Looks at a Slurm: whether it takes jobs of a kind, and what a trial in one would see."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.executors.remote.carrier import Unreachable
from runtime.executors.remote.probe import Seen, probe
from runtime.executors.slurm import commands
from runtime.executors.slurm.commands import Start
from runtime.executors.slurm.node import LIMIT, NodeCarrier


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition; `limit` is its time limit as Slurm writes it, `nodes` counts them by state."""

    name: str
    is_default: bool
    is_up: bool
    limit: str
    nodes: Counter[str]
    gres: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. `answered` is how many seconds Slurm took to answer.

    `out` are nodes that are out of service, each with its state and the reason. `start` is when and
    where a job would start, `reason` why no trial can run, and `hint` what to do. `seen` is what a
    short job saw, if one was asked for; `shares` whether this machine's working folder is there.
    """

    version: str
    answered: float
    partition: Partition | None = None
    out: tuple[str, ...] = ()
    start: Start | None = None
    reason: str = ""
    hint: str = ""
    seen: Seen | None = None
    shares: bool = False


async def look(options: Sequence[str], python: str, *, run_job: bool) -> Look:
    """Look at the partition that jobs with these options would run in. Raises SlurmFailed."""
    version = await commands.version()
    began = time.monotonic()
    partitions = [_partition(row) for row in await commands.partitions()]
    answered = time.monotonic() - began
    partition = _chosen(_merged(partitions), options)
    if partition is None:
        names = ", ".join(dict.fromkeys(each.name for each in partitions))
        name = _named(options, "partition")
        reason = f"there is no partition {name}" if name else "there is no default partition"
        return Look(version, answered, reason=reason, hint=f"partitions: {names}")
    out = tuple(await commands.nodes_out(partition.name))
    refused, start = await commands.would_start(options)
    refused = refused or _why_never(partition, options)
    if refused is not None:
        return Look(version, answered, partition, out, reason=refused, hint="change --slurm")
    if not run_job:
        return Look(version, answered, partition, out, start)
    try:
        seen, shares = await _in_a_job(options, python)
    except Unreachable as error:
        hint = error.hint
        return Look(version, answered, partition, out, start, f"in a job: {error}", hint)
    return Look(version, answered, partition, out, start, seen=seen, shares=shares)


async def _in_a_job(options: Sequence[str], python: str) -> tuple[Seen, bool]:
    with tempfile.NamedTemporaryFile(dir=_writable_folder(), prefix=".annotate-") as mark:
        seen = await probe(NodeCarrier(options, python), gpus=True, limit=LIMIT, paths=[mark.name])
    return seen, mark.name in seen.facts["sees"]


def _writable_folder() -> str | None:
    """The working folder, or None for that of temporary files."""
    try:
        tempfile.TemporaryFile(dir=Path.cwd()).close()
    except OSError:
        return None
    return str(Path.cwd())


def _partition(row: str) -> Partition:
    name, up, limit, count, state, gres = row.split("|", 5)
    nodes = Counter({state.rstrip("*~#!%$@^-"): int(count)})
    resources = () if gres == "(null)" else (gres,)
    return Partition(name.rstrip("*"), name.endswith("*"), up == "up", limit, nodes, resources)


def _merged(parts: Sequence[Partition]) -> list[Partition]:
    """The partitions, of which sinfo has a row for each kind and state of nodes."""
    merged: dict[str, Partition] = {}
    for part in parts:
        old = merged.get(part.name, part)
        nodes = part.nodes if old is part else old.nodes + part.nodes
        gres = tuple(dict.fromkeys([*old.gres, *part.gres]))
        merged[part.name] = Partition(
            part.name, part.is_default, part.is_up, part.limit, nodes, gres
        )
    return list(merged.values())


def _named(options: Sequence[str], name: str) -> str:
    values = [word.partition("=")[2] for word in options if word.startswith(f"--{name}=")]
    return values[-1].partition(",")[0] if values else ""


def _chosen(partitions: Sequence[Partition], options: Sequence[str]) -> Partition | None:
    name = _named(options, "partition")
    return next((p for p in partitions if (p.name == name if name else p.is_default)), None)


def _why_never(partition: Partition, options: Sequence[str]) -> str | None:
    """Why jobs would wait forever, although Slurm takes them."""
    if not partition.is_up:
        return f"partition {partition.name} takes no jobs now"
    asked, limit = minutes(_named(options, "time")), minutes(partition.limit)
    if asked is not None and limit is not None and asked > limit:
        return f"a job may take {partition.limit} in partition {partition.name}, no longer"
    return None


def minutes(text: str) -> float | None:
    """A time limit in minutes, from `30`, `1:30:00`, `2-12` and the like; None if unlimited."""
    days, dash, rest = text.rpartition("-")
    parts = rest.split(":")
    if not all(part.isdecimal() for part in (days or "0", *parts)) or len(parts) > 3:
        return None
    hours_first = bool(dash) or len(parts) == 3
    units = (60, 1, 1 / 60) if hours_first else (1, 1 / 60)
    known = sum(int(part) * unit for part, unit in zip(parts, units, strict=False))
    return int(days or 0) * 24 * 60 + known
