"""The machine's locks on its GPUs: one file each, that any user may lock, released by the system
with the death of its holder.

The folder is the same for all users, sticky, in the system's own folder for temporary files;
ANNOTATE_GPU_LEASES names another, for containers that share GPUs. What a file says of its holder
is shown to people and believed by nobody else.
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

from annotate.errors import AnnotateError

PLACE = "ANNOTATE_GPU_LEASES"
_MOST = 4096  # bytes of a holder's words that are read
_KEEP = 3600.0  # seconds between two signs of life, for those who clean up old temporary files


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, in its own words; `since` in seconds since the epoch."""

    pid: int = 0
    user: str = ""
    experiment: str = ""
    since: float = 0.0


class Taken(Exception):
    """Somebody else has the lock: `holder`."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(holder)
        self.holder = holder


class Locks:
    """The folder of locks. Raises AnnotateError where it can't be used safely."""

    def __init__(self, place: str | None = None) -> None:
        self.path = Path(place or os.environ.get(PLACE) or "/tmp/annotate-gpus")
        try:
            _make(self.path)
            self._folder = os.open(
                self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            )
        except OSError as error:
            raise AnnotateError(
                f"GPUs can't be leased: {self.path}: {error.strerror}",
                hint=f"it must be a folder that all users share; {PLACE} names another",
            ) from None
        self._check()

    def close(self) -> None:
        os.close(self._folder)

    def take(self, uuid: str) -> Lock:
        """Take the lock of the GPU `uuid`; raises Taken where somebody has it."""
        name = f"{uuid}.lock"
        while True:
            file = self._open(name)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                said = _said(file)
                os.close(file)
                raise Taken(said) from None
            if self._is(name, file):
                return Lock(file)
            os.close(file)  # it was removed between the two steps: the name has another file now

    def _check(self) -> None:
        """Others may write here: then nobody may remove what is another's."""
        mode = os.fstat(self._folder).st_mode
        if mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX:
            os.close(self._folder)
            raise AnnotateError(
                f"GPUs can't be leased: {self.path} may be changed by all users and is not sticky",
                hint=f"chmod +t {self.path}",
            )

    def _open(self, name: str) -> int:
        """The lock's file, made where there is none. Never through a link, never a foreign kind."""
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            while True:
                # In two steps: in a sticky folder the system may refuse to make what is there.
                with suppress(FileNotFoundError):
                    return self._regular(os.open(name, flags, dir_fd=self._folder))
                with suppress(FileExistsError):
                    flags_new = flags | os.O_CREAT | os.O_EXCL
                    file = os.open(name, flags_new, 0o666, dir_fd=self._folder)
                    os.fchmod(file, 0o666)  # whatever the umask is: it is for all users
                    return file
        except OSError as error:
            raise AnnotateError(
                f"GPUs can't be leased: {self.path / name}: {error.strerror}",
                hint="it must be an ordinary file that every user may write",
            ) from None

    def _regular(self, file: int) -> int:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(0, "it is no ordinary file")
        return file

    def _is(self, name: str, file: int) -> bool:
        try:
            now = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(now, os.fstat(file))


class Lock:
    """A lock that this process holds, until `release` or its death."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._written = -_KEEP

    def sign(self, holder: Holder) -> None:
        """Say who holds it; now and then anew, as old files in temporary folders are removed."""
        if time.monotonic() - self._written < _KEEP:
            return
        self._written = time.monotonic()
        with suppress(OSError):  # a full disk; the lock holds all the same
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps(asdict(holder)).encode() + b"\n", 0)

    def release(self) -> None:
        os.close(self._file)


def _make(path: Path) -> None:
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        path.chmod(0o1777)


def _said(file: int) -> Holder:
    """What the holder wrote, as far as it makes sense: any user may have written anything."""
    try:
        said = json.loads(os.pread(file, _MOST, 0))
        return Holder(
            int(said["pid"]), _plain(said["user"]), _plain(said["experiment"]), float(said["since"])
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Holder()


def _plain(word: object) -> str:
    word = str(word)
    return "".join(c if c.isprintable() else "?" for c in word)[:64]
