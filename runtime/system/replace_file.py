"""Writes a user's file atomically, and never over changes that someone else made meanwhile."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from annotate.errors import AnnotateError
from runtime.system.private import users_umask


def replace_file(path: Path, expected: bytes, new: bytes) -> None:
    """Replace the content of a file in one step; keeps its mode, and follows a symbolic link.

    Raises AnnotateError if the file no longer contains `expected`, or cannot be written.
    """
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(stat.S_IMODE(target.stat().st_mode))
        if target.read_bytes() != expected:
            hint = "nothing was written; run the command again"
            raise AnnotateError(f"{path} has changed in the meantime", hint=hint)
        os.replace(name, target)  # noqa: PTH105  atomic
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


def write_atomically(path: Path, data: bytes) -> None:
    """Create or replace a file in one step; follows a symbolic link. Raises OSError."""
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~users_umask()
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
        os.replace(name, target)  # noqa: PTH105  atomic
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


def _unwritable(path: Path, error: OSError) -> AnnotateError:
    return AnnotateError(f"{path} cannot be written: {error.strerror or error}")
