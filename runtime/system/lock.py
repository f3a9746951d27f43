"""A file lock that is released when its holder dies; it keeps an experiment to one driver."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from annotate.errors import AnnotateError

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EOPNOTSUPP)


class Held(Exception):
    """Another process holds the lock."""


class Lock:
    """A lock on the file `path`, held until `release`, the end of a `with`, or process exit.

    A child process that inherits the descriptor keeps holding the lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1

    def acquire(self) -> Lock:
        """Take the lock. Raises Held if another process has it, AnnotateError if locking fails."""
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unable(self.path, error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            if error.errno in _NO_LOCKS:
                raise _unable(self.path, error) from None
            raise Held(str(self.path)) from None
        return self._own(file)

    def adopt(self, file: int) -> Lock:
        """Take over the lock from the parent process, which passed its descriptor `file`."""
        os.set_inheritable(file, False)
        return self._own(file)

    def _own(self, file: int) -> Lock:
        self._file = file
        self.sign(os.getpid())
        return self

    def sign(self, pid: int) -> None:
        """Write the holder's process ID, without an empty file in between for readers to see."""
        text = f"{pid}\n".encode()
        with suppress(OSError):  # on a full disk it holds without a name
            os.pwrite(self._file, text, 0)
            os.ftruncate(self._file, len(text))

    def fileno(self) -> int:
        return self._file

    def release(self) -> None:
        os.close(self._file)

    def holder(self) -> str:
        """The process ID that the last holder wrote; "?" if none."""
        try:
            return self.path.read_text(encoding="ascii", errors="replace").strip() or "?"
        except OSError:
            return "?"

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


def _unable(path: Path, error: OSError) -> AnnotateError:
    return AnnotateError(
        f"{path} cannot be locked: {error.strerror}",
        hint="an experiment's folder must be writable and support locks;"
        " set ANNOTATE_HOME to another folder",
    )


def is_held(path: Path) -> bool:
    """Whether a process holds the lock `path` now."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # it may be a pipe
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # no locks here, so nobody has one
    finally:
        os.close(file)
    return False
