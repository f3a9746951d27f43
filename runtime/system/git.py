"""Asks git about the user's files, without changing anything in the repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

_TIMEOUT = 30.0  # seconds


def is_uncommitted(path: Path) -> bool:
    """Whether the file has changes that git could not restore.

    False without git, outside a repository, and for ignored files.
    """
    real = path.resolve()
    command = ["git", "--no-optional-locks", "status", "--porcelain", "--", real.name]
    try:
        done = subprocess.run(
            command,
            cwd=real.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and bool(done.stdout.strip())
