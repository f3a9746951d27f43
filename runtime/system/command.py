"""A trial's command as a config file gives it: plainly a Python script, or a line for the shell."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PYTHON = re.compile(r"(.*/)?python(3(\.\d+)?)?")
_SHELLS_OWN = re.compile(r"[|&;<>()$`\\*?\[\]#~{}!\n]")
#: A path of one's own would stand in place of the one by which a trial finds what it imports.
_PATH = re.compile(r"\bPYTHONPATH=")


@dataclass(frozen=True, slots=True)
class PlainScript:
    """`python SCRIPT ARGUMENTS`, the same whether a shell reads it or not."""

    python: str
    script: str
    arguments: tuple[str, ...]


def plain_script(command: str, folder: Path, environment: Mapping[str, str]) -> PlainScript | None:
    """What `command`, run in `folder`, is where it runs a script in that folder and does no more.

    None for anything else: options of the interpreter, variables, several commands.
    """
    if _SHELLS_OWN.search(command):
        return None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if len(words) < 2 or not _PYTHON.fullmatch(words[0]) or not words[1].endswith(".py"):
        return None
    inside = (folder / words[1]).resolve().is_relative_to(folder.resolve())
    name = words[0] if "/" not in words[0] else str(folder / words[0])
    python = shutil.which(name, path=environment.get("PATH"))
    if not inside or not (folder / words[1]).is_file() or python is None:
        return None
    return PlainScript(python, words[1], tuple(words[2:]))


def shell(command: str) -> tuple[str, ...]:
    """The words that have a shell run `command`; bash where there is one, as in NNI.

    `$NNI_STAGE_DIR` is to be the folder that stays first on Python's path.
    """
    kept = _PATH.sub('PYTHONPATH="$NNI_STAGE_DIR":', command)
    return (shutil.which("bash") or "/bin/sh", "-c", kept)
