"""A config file's trial command: either a plain `python SCRIPT`, or a line for the shell."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.system.modules import module_file

_PYTHON = re.compile(r"(.*/)?python(3(\.\d+)?)?")
_SHELL_SYNTAX = re.compile(r"[|&;<>()$`\\*?\[\]#~{}!\n]")
#: An assignment in the command, which would replace the path on which the trial finds our stage.
_PYTHONPATH = re.compile(r"\bPYTHONPATH=")
#: A call of Python with its options; arguments after -c and -m are not Python's.
_OPTIONS = re.compile(r"\bpython(?:3(?:\.\d+)?)?((?:\s+-[WX]\s+\S+|\s+-[A-Za-bd-ln-z]+)+)")
_ISOLATING = re.compile(r"-\w*[EIS]\w*")


@dataclass(frozen=True, slots=True)
class PlainScript:
    """The command `python SCRIPT ARGUMENTS`, which means the same with and without a shell.

    With `module` it is `python -m MODULE ARGUMENTS`, and `script` the module's file.
    """

    python: str
    script: str
    arguments: tuple[str, ...]
    module: str = ""


def plain_script(command: str, folder: Path, environment: Mapping[str, str]) -> PlainScript | None:
    """Parse `command` if all it does is run a script that lies within `folder`.

    None for anything else, such as interpreter options, variables or several commands.
    """
    if _SHELL_SYNTAX.search(command):
        return None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if len(words) < 2 or not _PYTHON.fullmatch(words[0]):
        return None
    module = words[2] if words[1] == "-m" and len(words) > 2 else ""
    if module:
        path = module_file(module, folder)
        words = (
            words[2:] if path is None else [words[0], *[str(path.relative_to(folder))], *words[3:]]
        )
    if not words[1:2] or not words[1].endswith(".py"):
        return None
    inside = (folder / words[1]).resolve().is_relative_to(folder.resolve())
    name = words[0] if "/" not in words[0] else str(folder / words[0])
    python = shutil.which(name, path=environment.get("PATH"))
    if not inside or not (folder / words[1]).is_file() or python is None:
        return None
    return PlainScript(python, words[1], tuple(words[2:]), module)


def isolating_option(command: str) -> str:
    """The Python option in `command` that would hide our stage, such as `-I`, or ""."""
    for options in _OPTIONS.findall(command):
        if option := _ISOLATING.search(options):
            return option.group()
    return ""


def script_arguments(command: str) -> tuple[str, ...]:
    """The arguments of the script in a line for the shell; none if it runs several or no script."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return ()
    scripts = [
        number + 1
        for number, word in enumerate(words)
        if word.endswith(".py") or (number > 1 and words[number - 1] == "-m")
    ]
    if len(scripts) != 1:
        return ()
    rest = words[scripts[0] :]
    end = next((n for n, word in enumerate(rest) if set(word) <= set("();<>|&")), len(rest))
    return tuple(rest[:end])


def shell(command: str) -> tuple[str, ...]:
    """An argument list that runs `command` in a shell: bash if installed, as in NNI.

    The environment must have NNI_STAGE_DIR, the folder that stays first on Python's path.
    """
    command = _PYTHONPATH.sub('PYTHONPATH="$NNI_STAGE_DIR":', command)
    return (shutil.which("bash") or "/bin/sh", "-c", command)
