"""What git knows of the user's files; nothing of a repository is ever changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

_PATIENCE = 30.0  # seconds


def is_uncommitted(path: Path) -> bool:
    """Whether the file lies in a checkout and git could not bring it back as it is now.

    False where there is no git, no checkout, or the file is one that git is told to ignore.
    """
    real = path.resolve()
    command = ["git", "--no-optional-locks", "status", "--porcelain", "--", real.name]
    try:
        done = subprocess.run(
            command,
            cwd=real.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and bool(done.stdout.strip())
