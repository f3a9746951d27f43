"""Finds the Python interpreter for the trials: the one that `python script.py` would use."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from annotate.errors import AnnotateError
from runtime.system.home_folder import expanded

#: The oldest Python that trials can run with.
OLDEST = (3, 8)
_ASK = "import sys; print(sys.executable); print('%d %d' % sys.version_info[:2])"  # also Python 2
_PATIENCE = 30.0  # seconds
_NAME = re.compile(r"python[\d.]*")
_NEEDED = "Python {}.{} or newer".format(*OLDEST)
_HINT = f"choose {_NEEDED} with --python PATH"


def interpreter(
    option: str | None, environment: Mapping[str, str], script: str = "", folder: Path | None = None
) -> str:
    """The interpreter's path: from --python, the script's first line, or the `python` on the PATH.

    The first line counts if the script could be run by itself: it is executable, and `script` is a
    path such as `./train.py`. A version manager's shim stands for the Python that it starts in
    `folder`. Raises AnnotateError if there is no suitable interpreter.
    """
    if option:
        path = shutil.which(expanded(option), path=environment.get("PATH"))
        if path is None:
            raise AnnotateError(
                f"--python {option}: interpreter not found",
                hint="give its path, for example .venv/bin/python",
            )
        return usable(path, f"--python {option}", environment, folder)
    if named := _first_line(script):
        path = shutil.which(named, path=environment.get("PATH"))
        if path is None:
            message = f"{script} names {named} in its first line, which does not exist"
            raise AnnotateError(message, hint=_HINT)
        return usable(path, f"the first line of {script}: {path}", environment, folder)
    path = next(_candidates(environment), None)
    return sys.executable if path is None else usable(path, f"`{path}`", environment, folder)


def usable(
    path: str, origin: str, environment: Mapping[str, str], folder: Path | None = None
) -> str:
    """The absolute path of the interpreter, if it is new enough; `origin` is for the message.

    Raises AnnotateError.
    """
    # Do not resolve links: a virtual environment's python is a link, and its location counts.
    path = os.path.abspath(path)  # noqa: PTH100
    if _is_ours(path):
        return sys.executable
    try:
        done = subprocess.run(
            [path, "-E", "-S", "-c", _ASK],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        executable, version = done.stdout.splitlines()[-2:]
        major, minor = map(int, version.split())
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        known = "" if isinstance(error, ValueError) else f": {error}"
        message = f"{origin} does not run as a Python interpreter{known}"
        raise AnnotateError(message, hint=_HINT) from None
    if (major, minor) < OLDEST:
        message = f"{origin} is Python {major}.{minor}, but trials need {_NEEDED}"
        raise AnnotateError(message, hint=_HINT)
    # What a shim starts depends on the folder, and pyenv's on the script as well.
    return executable if Path(path).parent.name == "shims" else path


def _candidates(environment: Mapping[str, str]) -> Iterator[str]:
    """What `python` may mean, best first."""
    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    if _is_tool_environment(Path(sys.prefix)):  # its own folder on the PATH is not the user's
        folders = [f for f in folders if Path(f or ".").absolute() != Path(sys.prefix, "bin")]
    for name in ("python", "python3"):
        if path := shutil.which(name, path=os.pathsep.join(folders)):
            yield path
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        python = Path(environment.get(name) or "/nowhere", "bin", "python")
        if os.access(python, os.X_OK):
            yield str(python)


def _first_line(script: str) -> str | None:
    """The Python that a script names in its first line, if the script can be run by itself."""
    if os.sep not in script or not os.access(script, os.X_OK):
        return None
    try:
        with Path(script).open("rb") as file:
            words = os.fsdecode(file.readline(1000)).removeprefix("\ufeff").split()
    except OSError:
        return None
    if not words or not words[0].startswith("#!"):
        return None
    words = [words[0].removeprefix("#!"), *words[1:]]
    return next((word for word in words if word and _NAME.fullmatch(Path(word).name)), None)


def _is_ours(path: str) -> bool:
    """Whether it is the running interpreter, by this or another name in the same folder."""
    ours = Path(sys.executable)
    try:
        return Path(path).parent.samefile(ours.parent) and Path(path).samefile(ours)
    except OSError:
        return False


def _is_tool_environment(prefix: Path) -> bool:
    """Whether Annotate is installed in an environment of its own: by pipx, uv tool or uvx."""
    above = {parent.name for parent in prefix.parents}
    return "pipx" in above or {"uv", "tools"} <= above or {"uv", "archive-v0"} <= above
