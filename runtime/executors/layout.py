"""Where the files of one experiment are on a machine, and how a job runs there."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runtime.executors.base import Job
from runtime.stage.agent.fork_server import ServerCommand
from runtime.stage.agent.task import Task


@dataclass(frozen=True, slots=True)
class Layout:
    """All paths are the machine's own.

    Trials run in the folder `cwd` with the interpreter `python`, and inherit `environment`. `stage`
    has the modules that trials import. `runner`, in it, runs a script of the snapshot. `platform`
    is what NNI calls this kind of machine.
    """

    platform: str
    python: str
    stage: str
    cwd: str
    environment: Mapping[str, str]
    stdin: str | None = None
    moved: Callable[[str], str] = str  # where an absolute path of the driver's machine is there
    runner: str = "annotate_run.py"

    @property
    def folder(self) -> str:
        """The experiment's folder on the machine."""
        return os.path.dirname(self.stage)  # noqa: PTH120  a path of another machine

    def task(self, job: Job, folder: str) -> Task:
        """`job` as it runs on this machine, with its files in `folder`."""
        command, argv = job.command, job.argv
        if argv is not None:
            argv = (self._program(argv[0]), *argv[1:])
            command = (self.python, os.path.join(self.stage, self.runner), *argv)  # noqa: PTH118
        return Task(
            trial=job.trial,
            folder=folder,
            command=command,
            cwd=self.cwd,
            environment={
                **self._inherited(),
                **job.variables,
                "NNI_PLATFORM": self.platform,
                "NNI_SYS_DIR": folder,
                "NNI_OUTPUT_DIR": os.path.join(folder, "output"),  # noqa: PTH118
                "NNI_STAGE_DIR": self.stage,
            },
            argv=argv,
            stdin=self.stdin,
            isolation=job.isolation,
            memory=job.memory,
        )

    def server_command(self, script: str) -> ServerCommand:
        """Starts a fork server for `script`, the first word of the jobs' `argv`."""
        program = os.path.join(self.stage, "annotate_fork_server.py")  # noqa: PTH118
        word = self._program(script)
        return ServerCommand(self.python, program, word, self.cwd, self._inherited())

    def _program(self, word: str) -> str:
        """The first word of a job's `argv` as the machine knows it."""
        return self.moved(word) if os.path.isabs(word) else word  # noqa: PTH117

    def _inherited(self) -> dict[str, str]:
        """The environment, with the stage first on Python's path."""
        path = (self.stage, self.environment.get("PYTHONPATH", ""))
        return {**self.environment, "PYTHONPATH": os.pathsep.join(filter(None, path))}
