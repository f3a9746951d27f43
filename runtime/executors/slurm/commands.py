"""Slurm's own programs: sbatch, squeue and scancel."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

_LIMIT = 60.0  # seconds; squeue alone waits 18 s for a controller that is down
_OVER = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    }
)
_START = re.compile(r"to start at (?P<when>\d+) .*on nodes (?P<nodes>\S+)")


class SlurmFailed(Exception):
    """A program of Slurm failed; the message is what it printed.

    This says nothing about jobs: they run on while the controller is down.
    """


@dataclass(frozen=True, slots=True)
class Status:
    """What squeue knows about a job.

    `ends` is when a running one will be ended, in seconds since the epoch; None if unknown.
    """

    job: str
    state: str
    reason: str = ""
    ends: float | None = None

    @property
    def is_over(self) -> bool:
        return self.state in _OVER

    @property
    def is_usable(self) -> bool:
        """Whether trials may run in it, now or later."""
        return self.state in ("PENDING", "RUNNING")

    @property
    def is_running(self) -> bool:
        return self.state == "RUNNING"


def environment() -> dict[str, str]:
    """Our own, without what a job around us or the user's habits would change.

    Slurm's programs print times as seconds since the epoch.
    """
    own = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SQUEUE_"))}
    own.pop("SBATCH_ARRAY_INX", None)
    own.pop("SBATCH_WAIT", None)
    if "SLURM_CONF" in os.environ:
        own["SLURM_CONF"] = os.environ["SLURM_CONF"]
    own["SLURM_TIME_FORMAT"] = "%s"
    return own


async def submit(options: Sequence[str], name: str, script: str) -> str:
    """Submit a job; returns its ID. Raises SlurmFailed."""
    words = ("--parsable", f"--job-name={name}", "--output=/dev/null", "--chdir=/")
    out, _ = await _call("sbatch", *options, *_FIXED, *words, data=script.encode())
    return out.strip().partition(";")[0]


@dataclass(frozen=True, slots=True)
class Start:
    """When a job would start, in seconds since the epoch, and on which nodes."""

    when: float
    nodes: str


async def would_start(options: Sequence[str]) -> tuple[str | None, Start | None]:
    """Why Slurm would never run such a job, or None; and when and where it would start, if known.

    Refuses nothing if Slurm does not answer.
    """
    try:
        _, text = await _call("sbatch", "--test-only", *options, *_FIXED, data=b"#!/bin/sh\n")
    except SlurmFailed as error:
        reason = str(error)
        passes = any(
            word in reason for word in ("ontact", "not available now", "busy", "timed out")
        )
        return (None if passes else reason), None
    match = _START.search(text)
    return None, Start(float(match["when"]), match["nodes"]) if match else None


async def version() -> str:
    """Slurm's version. Raises SlurmFailed."""
    return (await _run("sbatch", "--version")).split()[-1]


async def partitions() -> list[str]:
    """Rows of `name|up|time limit|nodes|state|gres`, with an asterisk after the default's name."""
    return (await _run("sinfo", "--noheader", "--format=%P|%a|%l|%D|%T|%G")).splitlines()


async def nodes_out(partition: str) -> list[str]:
    """The partition's nodes that are out of service: name, state and reason."""
    words = ("--noheader", "--Node", f"--partition={partition}", "--states=down,drain,fail")
    return (await _run("sinfo", *words, "--format=%N (%T): %E")).splitlines()


async def node_names(text: str) -> list[str]:
    """The names in a list of nodes such as `n[1-4]`."""
    return (await _run("scontrol", "show", "hostnames", text)).split()


async def all_jobs() -> list[tuple[str, str]]:
    """All jobs of this user that wait or run, each with its name."""
    words = ("--noheader", f"--user={os.getuid()}", "--format=%i|%j")
    rows = (await _run("squeue", *words)).splitlines()
    return [(job, name) for job, _, name in (row.partition("|") for row in rows)]


async def jobs_named(name: str) -> list[Status]:
    """All our jobs with this name that the controller knows, ended ones too."""
    words = ("--noheader", f"--user={os.getuid()}", f"--name={name}", "--states=all")
    # The end, not the rest of the time limit: a pre-emption with a grace period moves only the end.
    out = await _run("squeue", *words, "--format=%i|%T|%e|%r")
    return [_status(line) for line in out.splitlines() if line.count("|") >= 3]


async def cancel(jobs: Sequence[str]) -> None:
    """End jobs; those that have ended already are no mistake."""
    if jobs:
        await _run("scancel", "--quiet", *jobs)


_FIXED = ("--export=NONE", "--no-requeue", "--nodes=1", "--ntasks=1")


def _status(line: str) -> Status:
    job, state, ends, reason = line.split("|", 3)
    return Status(job, state, reason, float(ends) if ends.isdecimal() else None)


async def _run(*command: str) -> str:
    """The standard output of one of Slurm's programs. Raises SlurmFailed."""
    return (await _call(*command))[0]


async def _call(*command: str, data: bytes = b"") -> tuple[str, str]:
    """What a program prints to its standard output and error; raises SlurmFailed."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise SlurmFailed(f"{command[0]}: {error.strerror or error}") from None
    try:
        out, err = await asyncio.wait_for(process.communicate(data), _LIMIT)
    except asyncio.TimeoutError:
        raise SlurmFailed(f"{command[0]} gave no answer within {_LIMIT:g} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.returncode:
        raise SlurmFailed(_reason(err.decode(errors="replace")) or f"{command[0]} failed")
    return out.decode(errors="replace"), err.decode(errors="replace")


def _reason(text: str) -> str:
    """The error without the program's name before it."""
    lines = [re.sub(r"^\w+: (error: )?", "", line.strip()) for line in text.splitlines()]
    return next((line for line in reversed(lines) if line), "")
