"""Writing a file of the user: whole or not at all, and never over what somebody else wrote."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from annotate.errors import AnnotateError


def replace_file(path: Path, expected: bytes, new: bytes) -> None:
    """Give a file new bytes in one step; its mode stays, and a link to it stays a link.

    Raises AnnotateError where its bytes are not `expected` any more, or it cannot be written.
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
            raise AnnotateError(f"{path} has changed meanwhile", hint=hint)
        os.replace(name, target)  # noqa: PTH105  one step, named as what it is
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


def _unwritable(path: Path, error: OSError) -> AnnotateError:
    return AnnotateError(f"{path} cannot be written: {error.strerror or error}")
