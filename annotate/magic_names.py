"""What trials do with each of Jupyter's magics and shell commands.

A copy of this file runs beside the trials, so it needs only Python 3.8.
"""

from __future__ import annotations

import re

#: Magics that just run the code after them.
TIMES = frozenset({"time", "timeit", "prun", "memit", "mprun", "lprun"})
#: Magics that do not affect Python: trials skip them.
IDLE = frozenset(
    # display, packages and information
    {"matplotlib", "config", "precision", "colors", "xmode", "pdb", "debug", "tensorboard"}
    | {"load_ext", "reload_ext", "unload_ext", "autoreload", "pip", "conda", "mamba", "uv"}
    | {"who", "whos", "pwd", "ls", "ll", "history", "lsmagic", "magic", "quickref"}
    | {"pinfo", "pinfo2", "pdoc", "psource", "doctest_mode", "automagic", "tensorflow_version"}
    # cells in other languages that only display something
    | {"html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG"}
)
#: Line magics that a trial carries out, and those of them that have a value.
RUN = frozenset({"cd", "env", "set_env", "reset"})
VALUES = frozenset({"env", "pwd"})
#: Line magics and cell magics that run a shell command.
SHELL = frozenset(
    {"sx", "system", "shell", "mkdir", "rmdir", "cp", "mv", "rm", "cat", "less", "more"}
)
SHELL_CELLS = frozenset({"bash", "sh", "script", "shell", "system", "sx"})
#: The cell magics that write the cell to a file.
WRITES = frozenset({"writefile", "file"})
#: Magics that people call without a percent sign.
AUTOMATIC = ("pip", "conda", "mamba", "uv", "cd", "ls")
CAPTURE_FLAGS = frozenset({"--no-stdout", "--no-stderr", "--no-display"})

#: Shell commands whose absence a trial does not notice, as long as they write no file.
_QUIET = frozenset(
    {"pip", "pip3", "conda", "mamba", "uv", "apt", "apt-get", "nvidia-smi", "ls", "pwd", "cat"}
    | {"head", "tail", "echo", "which", "free", "df", "du", "lscpu", "uname", "wc", "tree", "date"}
)
_COMMANDS = re.compile(r"[;&|\r\n]+")
#: What a command quotes, and comments, continued lines and discarded output.
_ASIDE = re.compile(
    r"'[^'\r\n]*'|\"[^\"\r\n]*\"|(?<!\S)#[^\r\n]*|\\\r?\n|[12&]?>{1,2}\s*/dev/null|[12]>&[12]"
)
_PREFIX = re.compile(r"\s*(?:(?:sudo|yes|python3?\s+-m|\{sys\.executable\}\s+-m)\s+)*")
#: Options with which a cell of shell commands defines names for Python.
_DEFINES = re.compile(r"--(?:out|err|proc)\b")


def has_effect(commands: str) -> bool:
    """Whether a later cell may need what these shell commands do."""
    plain = _ASIDE.sub(" ", commands)
    parts = [_PREFIX.sub("", part, count=1).split() for part in _COMMANDS.split(plain)]
    return ">" in plain or not {words[0] for words in parts if words} <= _QUIET


def capture_name(options: str) -> str | None:
    """The name that `%%capture` defines with these options, "" for none; None if they are wrong."""
    names = [word for word in options.split() if word not in CAPTURE_FLAGS]
    if not names:
        return ""
    return names[0] if len(names) == 1 and names[0].isidentifier() else None


def is_skipped_cell(name: str, options: str) -> bool:
    """Whether trials skip a cell with this magic."""
    return name in IDLE or (name in SHELL_CELLS and _DEFINES.search(options) is None)
