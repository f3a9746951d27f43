"""Which Python runs the trials: the one that `python script.py` would have run."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from annotate.errors import AnnotateError


def interpreter(given: str | None, environment: Mapping[str, str]) -> str:
    """The path of the interpreter: `given`, else the active environment's, else our own.

    Where annotate itself lives in an environment made for it alone (pipx, uv tool), the user's
    `python` is meant rather than that. Raises AnnotateError where `given` is not there.
    """
    if given:
        found = shutil.which(Path(given).expanduser(), path=environment.get("PATH"))
        if found is None:
            raise AnnotateError(
                f"--python {given}: there is no such interpreter",
                hint="give its path, for example .venv/bin/python",
            )
        # Not resolved: an environment's python is a link whose own place counts.
        return os.path.abspath(found)  # noqa: PTH100
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        candidate = Path(environment.get(name) or "/nowhere", "bin", "python")
        if candidate.is_file():
            return str(candidate)
    if _is_tool_environment(Path(sys.prefix)):
        found = shutil.which("python", path=environment.get("PATH")) or shutil.which("python3")
        if found:
            return found
    return sys.executable


def _is_tool_environment(prefix: Path) -> bool:
    above = {parent.name for parent in prefix.parents}
    return "pipx" in above or {"uv", "tools"} <= above
