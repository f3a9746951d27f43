"""The user's home folder, which a user without an account does not have."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def expanded(path: str | os.PathLike[str]) -> Path:
    """`path` with a leading `~` replaced; unchanged if that home folder is not known."""
    with suppress(RuntimeError):
        return Path(path).expanduser()
    return Path(path)
