"""Standard output and standard error, which may be closed, full or gone."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

#: Faults of the machine, which a sentence explains better than a traceback.
_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


def open_closed_streams() -> None:
    """Replace closed standard streams by /dev/null.

    Otherwise the next files that this process opens would get their numbers, and a stray print
    would write into them.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


def say(text: str) -> None:
    """Print a line on standard error. A terminal that is full or gone must end no experiment."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def explain(error: OSError) -> str | None:
    """A sentence for a fault of the machine, such as a full disk; None for any other error."""
    if error.errno not in _MACHINE:
        return None
    return f"{error.filename or 'the output'} cannot be written: {error.strerror}"


def drop_output() -> None:
    """Forget what could not be printed; else Python would try again at exit, and complain."""
    sys.stdout = None
