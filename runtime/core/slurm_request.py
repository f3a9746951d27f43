"""What users ask Slurm for: `partition=gpu,time=60,gres=gpu:1,pilots=4`, or a section of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
_GPU_OPTION = re.compile(r"--(gpus|gres=.*gpu|tres-per-\w+=.*gpu)")
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_SWITCHES = (
    "exclusive",
    "contiguous",
    "overcommit",
    "oversubscribe",
    "spread-job",
    "use-min-nodes",
)
_EXAMPLE = "write, for example, partition=gpu,time=60,gres=gpu:1"
_NO_PILOTS = "write pilots=N too"


@dataclass(frozen=True, slots=True)
class SlurmRequest:
    """Options of sbatch for each job, as `--name=value`.

    `pilots` is how many jobs are kept for trials; with 0, each trial is a job of its own. `slots`
    is how many trials a pilot runs at a time.
    """

    options: tuple[str, ...] = ()
    pilots: int = 0
    slots: int = 1

    @property
    def gpu_option(self) -> str:
        """The option that asks for GPUs, as `name=value`; "" if there is none."""
        asking = (option for option in self.options if _GPU_OPTION.match(option))
        return next(asking, "").lstrip("-")


def parse_request(text: str) -> SlurmRequest:
    """Parse `name=value` with commas between them; raises AnnotateError."""
    values = dict(_parse(word.strip()) for word in _split(text) if word.strip())
    pilots, slots = values.pop("pilots", "0"), values.pop("slots", None)
    if slots is not None and int(pilots) == 0:
        raise AnnotateError("--slurm: slots has no effect without pilots", hint=_NO_PILOTS)
    options = tuple(f"--{name}={value}" if value else f"--{name}" for name, value in values.items())
    return SlurmRequest(options, int(pilots), max(1, int(slots or 1)))


def request_text(options: Mapping[str, str]) -> str:
    """The options as `parse_request` reads them; raises AnnotateError, without `--slurm`."""
    for name, value in options.items():
        check_option(name, value)
    if "slots" in options and not int(options.get("pilots", 0)):
        raise AnnotateError("slots has no effect without pilots", hint=_NO_PILOTS)
    return ",".join(f"{name}={value}" if value else name for name, value in options.items())


def check_option(name: str, value: str) -> None:
    """Raise AnnotateError if jobs cannot have this option of sbatch."""
    if not _NAME.fullmatch(name):
        raise AnnotateError(f"{name!r} is not an option of sbatch", hint=_EXAMPLE)
    if name in _OURS:
        raise AnnotateError(f"{name} cannot be set", hint="remove it: Annotate sets it itself")
    if name in ("pilots", "slots") and not (value.isdecimal() and len(value) <= 4):
        raise AnnotateError(f"{name}={value} is not a whole number", hint=_EXAMPLE)
    if [f"{name}={value}" if value else name] != _split(f"{name}={value}" if value else name):
        raise AnnotateError(f"{name}: a comma before name=value starts another option")


def _split(text: str) -> list[str]:
    """Split at commas; a word without `=` belongs to the value before it, as in gres=a:1,b:2."""
    words: list[str] = []
    for word in text.split(","):
        if words and "=" in words[-1] and "=" not in word and word.strip() not in _SWITCHES:
            words[-1] += f",{word}"
        else:
            words.append(word)
    return words


def _parse(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    try:
        check_option(name, value)
    except AnnotateError as error:
        raise AnnotateError(f"--slurm: {error.message}", hint=error.hint) from None
    return name, value
