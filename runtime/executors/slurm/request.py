"""What users ask Slurm for: `partition=gpu,time=60,gres=gpu:1,pilots=4`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from annotate.errors import AnnotateError

# Options of sbatch that would break how jobs are run and followed here.
_OURS = frozenset(
    {
        "array",
        "batch",
        "chdir",
        "clusters",
        "dependency",
        "error",
        "export",
        "export-file",
        "get-user-env",
        "help",
        "hold",
        "immediate",
        "input",
        "job-name",
        "kill-on-invalid-dep",
        "nodes",
        "no-requeue",
        "ntasks",
        "open-mode",
        "output",
        "parsable",
        "quiet",
        "requeue",
        "test-only",
        "usage",
        "verbose",
        "version",
        "wait",
        "wait-all-nodes",
        "wrap",
    }
)
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_EXAMPLE = "write, for example, partition=gpu,time=60,gres=gpu:1"


@dataclass(frozen=True, slots=True)
class SlurmRequest:
    """Options of sbatch for each job, as `--name=value`.

    `pilots` is how many jobs are kept for trials; with 0, each trial is a job of its own. `slots`
    is how many trials a pilot runs at a time.
    """

    options: tuple[str, ...] = ()
    pilots: int = 0
    slots: int = 1


def parse_request(text: str) -> SlurmRequest:
    """Parse `name=value` with commas between them; raises AnnotateError."""
    values = dict(_parse(word.strip()) for word in _split(text) if word.strip())
    pilots, slots = _count("pilots", values.pop("pilots", "0")), values.pop("slots", None)
    if slots is not None and not pilots:
        raise AnnotateError("slots has no effect without pilots", hint="write pilots=N too")
    options = tuple(f"--{name}={value}" if value else f"--{name}" for name, value in values.items())
    return SlurmRequest(options, pilots, max(1, _count("slots", slots or "1")))


def _split(text: str) -> list[str]:
    """Split at commas; a word without `=` belongs to the value before it, as in gres=a:1,b:2."""
    words: list[str] = []
    for word in text.split(","):
        if words and "=" in words[-1] and "=" not in word and word.strip() != "exclusive":
            words[-1] += f",{word}"
        else:
            words.append(word)
    return words


def _parse(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    if not _NAME.fullmatch(name):
        raise AnnotateError(f"--slurm: {word!r} is not name=value", hint=_EXAMPLE)
    if name in _OURS:
        raise AnnotateError(f"--slurm: {name} cannot be set", hint="remove it")
    return name, value


def _count(name: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 4:
        raise AnnotateError(f"--slurm: {name}={text} is not a whole number", hint=_EXAMPLE)
    return int(text)
