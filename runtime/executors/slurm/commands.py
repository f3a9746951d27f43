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
_TIME = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)")


class SlurmFailed(Exception):
    """A program of Slurm failed; the message is what it printed.

    This says nothing about jobs: they run on while the controller is down.
    """


@dataclass(frozen=True, slots=True)
class Status:
    """What squeue knows about a job. `left` is the rest of its time limit in seconds, if any."""

    job: str
    state: str
    reason: str = ""
    left: float | None = None

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
    """Our own, without what a job around us or the user's habits would change."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SQUEUE_"))}
    own.pop("SBATCH_ARRAY_INX", None)
    own.pop("SBATCH_WAIT", None)
    if "SLURM_CONF" in os.environ:
        own["SLURM_CONF"] = os.environ["SLURM_CONF"]
    return own


async def submit(options: Sequence[str], name: str, script: str) -> str:
    """Submit a job; returns its ID. Raises SlurmFailed."""
    words = ("--parsable", f"--job-name={name}", "--output=/dev/null", "--chdir=/")
    out = await _run("sbatch", *options, *_FIXED, *words, data=script.encode())
    return out.strip().partition(";")[0]


async def why_refused(options: Sequence[str]) -> str | None:
    """Why Slurm would never run such a job; None if it may, or if Slurm does not answer."""
    try:
        await _run("sbatch", "--test-only", *options, *_FIXED, data=b"#!/bin/sh\n")
    except SlurmFailed as error:
        text = str(error)
        passes = any(word in text for word in ("ontact", "not available now", "busy", "timed out"))
        return None if passes else text
    return None


async def jobs_named(name: str) -> list[Status]:
    """All our jobs with this name that the controller knows, ended ones too."""
    words = ("--noheader", f"--user={os.getuid()}", f"--name={name}", "--states=all")
    out = await _run("squeue", *words, "--format=%i|%T|%L|%r")
    return [_status(line) for line in out.splitlines() if line.count("|") >= 3]


async def cancel(jobs: Sequence[str]) -> None:
    """End jobs; those that have ended already are no mistake."""
    if jobs:
        await _run("scancel", "--quiet", *jobs)


_FIXED = ("--export=NONE", "--no-requeue", "--nodes=1", "--ntasks=1")


def _status(line: str) -> Status:
    job, state, left, reason = line.split("|", 3)
    return Status(job, state, reason, _seconds(left))


def _seconds(text: str) -> float | None:
    """Seconds in `days-hours:minutes:seconds`; None for UNLIMITED and the like."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


async def _run(*command: str, data: bytes = b"") -> str:
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
    return out.decode(errors="replace")


def _reason(text: str) -> str:
    """The error without the program's name before it."""
    lines = [re.sub(r"^\w+: (error: )?", "", line.strip()) for line in text.splitlines()]
    return next((line for line in reversed(lines) if line), "")
