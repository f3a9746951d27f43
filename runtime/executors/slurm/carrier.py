"""Leads to the agent that a Slurm job holds."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Sequence

from runtime.executors.remote import code
from runtime.executors.remote.carrier import Carrier, Stream, Unreachable
from runtime.executors.remote.process_stream import open_process
from runtime.executors.slurm.commands import environment

_NAME = re.compile(r"slurm-(\d+)")


class JobCarrier(Carrier):
    """A running job, in which `srun` starts a step for the stream."""

    platform = "slurm"
    program = "join"

    def __init__(self, job: str, slots: int, python: str) -> None:
        self.job, self.slots, self.python = job, slots, python
        self.name, self.instance = f"slurm-{job}", job

    async def open(self, command: Sequence[str]) -> Stream:
        words = ["srun", f"--jobid={self.job}", "--overlap", "--export=NONE", "--quiet"]
        words += ["--nodes=1", "--ntasks=1", *command]
        try:
            return await open_process(words, environment())
        except Unreachable as error:
            raise Unreachable(str(error), "put Slurm's programs on the PATH", final=True) from None


def job_in(name: str) -> str | None:
    """The job's ID in the name of its machine; None if it is no job."""
    match = _NAME.fullmatch(name)
    return match and match[1]


def batch_script(experiment: str, python: str) -> str:
    """A job's script: it becomes the agent of the experiment in this job.

    The agent's code travels in it; Slurm's state folder gets nothing else of ours.
    """
    words = code.start_command(f"{experiment}-$SLURM_JOB_ID", python, "hold")
    text = base64.encodebytes(code.archive()).decode()
    # A job that failed stays for a while: whoever joins it is told why.
    return f"#!/bin/sh\nexec <<'END'\n{text}END\n{shlex.join(words)} && exit 0\nsleep 30\nexit 1\n"
