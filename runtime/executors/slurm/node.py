"""Runs a program in a short job of its own."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.executors.remote.carrier import Carrier, Stream, Unreachable
from runtime.executors.remote.process_stream import ProcessStream, open_process
from runtime.executors.slurm.commands import environment

LIMIT = 120.0  # seconds for a job to start and to answer


class NodeCarrier(Carrier):
    """A node that Slurm chooses for a job with these options; it ends with the stream."""

    platform = "slurm"
    name = "a job"

    def __init__(self, options: Sequence[str], python: str) -> None:
        self._options, self.python = options, python
        self._stream: ProcessStream | None = None

    async def open(self, command: Sequence[str]) -> Stream:
        words = ["srun", "--export=NONE", "--quiet", "--job-name=annotate", *self._options]
        words += ["--nodes=1", "--ntasks=1", f"--immediate={LIMIT:.0f}"]
        try:
            self._stream = await open_process([*words, *command], environment())
        except Unreachable as error:
            raise Unreachable(str(error), "put Slurm's programs on the PATH", final=True) from None
        return self._stream

    async def close(self) -> None:
        if self._stream is not None:
            self._stream.terminate()  # its job may still wait
