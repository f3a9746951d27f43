"""Locks on the machine's GPUs: one file per GPU, released by the system when its holder dies.

All users share one sticky folder, /tmp/annotate-gpus. ANNOTATE_GPU_LEASES names another, for
containers that share GPUs. The holder's details in a file are only shown, never trusted.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Optional

FOLDER_VARIABLE = "ANNOTATE_GPU_LEASES"
_MAX_READ = 4096  # bytes of a lock file that are read
_REFRESH = 3600.0  # seconds between two writes, so that clean-ups of /tmp do not find the file old


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as the holder wrote it; `since` in seconds since the epoch."""

    pid: int = 0
    user: str = ""
    experiment: str = ""
    since: float = 0.0


class CannotLease(Exception):
    """The locks cannot be used safely; `hint` says what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"GPUs cannot be leased: {message}")
        self.hint = hint


class AlreadyHeld(Exception):
    """Another process holds the lock; `holder` says which."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(holder)
        self.holder = holder


class Locks:
    """The folder of locks. Raises CannotLease if it cannot be used safely."""

    def __init__(self, folder: str | None = None) -> None:
        self.path = Path(folder or os.environ.get(FOLDER_VARIABLE) or "/tmp/annotate-gpus")
        try:
            _make(self.path)
            self._folder = os.open(
                self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            )
        except OSError as error:
            raise CannotLease(
                f"{self.path}: {error.strerror}",
                hint=f"it must be a folder that all users share; {FOLDER_VARIABLE} names another",
            ) from None
        self._check()

    def close(self) -> None:
        os.close(self._folder)

    def take(self, uuid: str) -> Lock:
        """Take the lock of the GPU `uuid`; raises AlreadyHeld if another process holds it."""
        name = f"{uuid}.lock"
        while True:
            file = self._open(name)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _read_holder(file)
                os.close(file)
                raise AlreadyHeld(holder) from None
            if self._is_current(name, file):
                return Lock(file)
            os.close(file)  # the file was replaced between opening and locking it: try again

    def _check(self) -> None:
        """A folder that others can write to must be sticky, or they could remove our locks."""
        mode = os.fstat(self._folder).st_mode
        if mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX:
            os.close(self._folder)
            raise CannotLease(
                f"{self.path} is writable by all users but not sticky",
                hint=f"chmod +t {self.path}",
            )

    def _open(self, name: str) -> int:
        """Open the lock file, and create it if missing. Refuses links and special files."""
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            while True:
                # Two steps: in a sticky folder the system may refuse O_CREAT on an existing file.
                with suppress(FileNotFoundError):
                    return self._regular(os.open(name, flags, dir_fd=self._folder))
                with suppress(FileExistsError):
                    flags_new = flags | os.O_CREAT | os.O_EXCL
                    file = os.open(name, flags_new, 0o666, dir_fd=self._folder)
                    os.fchmod(file, 0o666)  # for all users, regardless of the umask
                    return file
        except OSError as error:
            raise CannotLease(
                f"{self.path / name}: {error.strerror}",
                hint="it must be a regular file that every user may write",
            ) from None

    def _regular(self, file: int) -> int:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(0, "not a regular file")
        return file

    def _is_current(self, name: str, file: int) -> bool:
        try:
            now = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(now, os.fstat(file))


class Lock:
    """A lock that this process holds, until `release` or its death."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._written = -_REFRESH

    def sign(self, holder: Holder) -> None:
        """Write who holds the lock, at most once an hour. Call it regularly."""
        if time.monotonic() - self._written < _REFRESH:
            return
        self._written = time.monotonic()
        with suppress(OSError):  # for example a full disk; the lock works without it
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps(asdict(holder)).encode() + b"\n", 0)

    def renew(self) -> None:
        """A lock of this machine excludes others from the start."""

    def lost_to(self) -> Optional[Holder]:
        return None

    def release(self) -> None:
        os.close(self._file)


def _make(path: Path) -> None:
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        path.chmod(0o1777)


def _read_holder(file: int) -> Holder:
    """The holder that the file names; an empty one if it makes no sense, as any user can write."""
    try:
        record = json.loads(os.pread(file, _MAX_READ, 0))
        return Holder(
            int(record["pid"]),
            _printable(record["user"]),
            _printable(record["experiment"]),
            float(record["since"]),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Holder()


def _printable(value: object) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(value))[:64]
