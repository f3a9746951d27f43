"""Finds the Python interpreter for the trials: the one that `python script.py` would use."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from annotate.errors import AnnotateError


def interpreter(option: str | None, environment: Mapping[str, str]) -> str:
    """The interpreter's path: from --python, the active virtual environment, or our own.

    If Annotate is installed in an environment of its own (pipx, uv tool), the `python` on the
    PATH replaces our own. Raises AnnotateError if `option`, the value of --python, is not found.
    """
    if option:
        path = shutil.which(Path(option).expanduser(), path=environment.get("PATH"))
        if path is None:
            raise AnnotateError(
                f"--python {option}: interpreter not found",
                hint="give its path, for example .venv/bin/python",
            )
        # Do not resolve links: a virtual environment's python is a link, and its location counts.
        return os.path.abspath(path)  # noqa: PTH100
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        candidate = Path(environment.get(name) or "/nowhere", "bin", "python")
        if candidate.is_file():
            return str(candidate)
    if _is_tool_environment(Path(sys.prefix)):
        path = shutil.which("python", path=environment.get("PATH")) or shutil.which("python3")
        if path:
            return path
    return sys.executable


def _is_tool_environment(prefix: Path) -> bool:
    above = {parent.name for parent in prefix.parents}
    return "pipx" in above or {"uv", "tools"} <= above
