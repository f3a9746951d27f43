"""One run of a trial, as the machine that runs it sees it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Tuple


@dataclass(frozen=True)
class Task:
    """`command` in the folder `cwd` with exactly `environment`. All paths are this machine's.

    `folder` is the run's own; its standard output, errors and reports go to files there. `argv` is
    set if `command` does nothing but run a script of the snapshot: the script and its arguments. It
    may then run in another way, for example in a fork. `stdin` is the file that the trial reads as
    its standard input; None means an empty one. `isolation` has the options of
    `stage/annotate_isolate.py` if the trial gets a working folder of its own. `memory` is the
    trial's limit in bytes.
    """

    trial: int
    folder: str
    command: Tuple[str, ...]
    cwd: str
    environment: Mapping[str, str]
    argv: Optional[Tuple[str, ...]] = None
    stdin: Optional[str] = None
    isolation: Optional[Mapping[str, Any]] = None
    memory: Optional[int] = None

    @property
    def stdout(self) -> str:
        return os.path.join(self.folder, "stdout")

    @property
    def stderr(self) -> str:
        return os.path.join(self.folder, "stderr")

    @property
    def metrics(self) -> str:
        return os.path.join(self.folder, "metrics.jsonl")


class CannotStart(Exception):
    """The task's process cannot be started; `hint` says what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
