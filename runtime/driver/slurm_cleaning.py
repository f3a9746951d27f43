"""Ends jobs of Slurm that no driver owns, and removes what agents left on nodes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runtime.core import paths
from runtime.core.paths import ExperimentFolder
from runtime.driver.cleaning import clean_one
from runtime.executors.remote.carrier import Unreachable
from runtime.executors.slurm import commands
from runtime.executors.slurm.node import NodeCarrier
from runtime.stage.agent.frames import Message
from runtime.system.lock import is_held

_NAME = re.compile(r"annotate-([A-Za-z0-9]{8})")
_ENDING = 40  # seconds for cancelled jobs to end


@dataclass(frozen=True, slots=True)
class Queue:
    """Our jobs in the user's queue, by experiment.

    A driver owns the `owned`, `abandoned` have none, and `foreign` are not of this home.
    """

    owned: dict[str, list[str]] = field(default_factory=dict)
    abandoned: dict[str, list[str]] = field(default_factory=dict)
    foreign: dict[str, list[str]] = field(default_factory=dict)

    @property
    def kept(self) -> list[str]:
        """The names of the agents' folders that are in use."""
        groups = (*self.owned.items(), *self.foreign.items())
        return [f"{experiment}-{job}" for experiment, jobs in groups for job in jobs]


def clean(options: Sequence[str], python: str) -> tuple[Queue, Mapping[str, Message | Unreachable]]:
    """Cancel the abandoned jobs, and clean the nodes that the options name, or any one.

    Returns what was in the queue, and what was removed by node. Raises SlurmFailed.
    """
    return asyncio.run(_clean(options, python))


async def _clean(
    options: Sequence[str], python: str
) -> tuple[Queue, Mapping[str, Message | Unreachable]]:
    queue = _sorted(await commands.all_jobs())
    abandoned = [job for jobs in queue.abandoned.values() for job in jobs]
    await commands.cancel(abandoned)
    for _ in range(_ENDING):
        if not {job for job, _ in await commands.all_jobs()}.intersection(abandoned):
            break
        await asyncio.sleep(1)
    nodes = await _nodes(options)
    carriers = [NodeCarrier([*options, *words], python) for words in nodes.values()]
    removed = await asyncio.gather(*(clean_one(carrier, queue.kept) for carrier in carriers))
    return queue, dict(zip(nodes, removed, strict=True))


def _sorted(jobs: Sequence[tuple[str, str]]) -> Queue:
    queue = Queue()
    for job, name in jobs:
        match = _NAME.fullmatch(name)
        if match is not None:
            folder = ExperimentFolder(paths.experiments() / match[1])
            group = queue.abandoned if folder.path.is_dir() else queue.foreign
            group = queue.owned if is_held(folder.lock) else group
            group.setdefault(match[1], []).append(job)
    return queue


async def _nodes(options: Sequence[str]) -> dict[str, list[str]]:
    """The nodes to clean, each with the option that chooses it."""
    lists = [word.partition("=")[2] for word in options if word.startswith("--nodelist=")]
    if not lists:
        return {"a node": []}
    return {name: [f"--nodelist={name}"] for name in await commands.node_names(lists[-1])}
