"""Files that a driver ships: each content once per machine, and trees that are built of them.

A tree is a list of entries `[path, sha256, mode]`. Paths are relative, and none leaves its tree.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import tempfile
from typing import Iterable, List, Sequence, Tuple

Entry = Tuple[str, str, int]


class Bundles:
    """The contents in the folder `path`."""

    def __init__(self, path: str) -> None:
        self._path = path
        os.makedirs(path, exist_ok=True)

    def missing(self, tree: Iterable[Entry]) -> List[str]:
        """The hashes of contents that are not here."""
        hashes = {sha256 for _, sha256, _ in tree}
        return sorted(h for h in hashes if not os.path.exists(self._file(h)))

    def add(self, sha256: str, offset: int, data: bytes, *, last: bool) -> None:
        """Store a part of a content, which comes in order; raises ValueError if it is not it."""
        # Agents on other machines may share this folder.
        partial = "%s.partial-%s-%d" % (self._file(sha256), socket.gethostname(), os.getpid())
        os.makedirs(os.path.dirname(partial), exist_ok=True)
        with open(partial, "r+b" if offset else "wb") as file:
            file.truncate(offset)
            file.seek(offset)
            file.write(data)
        if last:
            if _hash(partial) != sha256:
                os.unlink(partial)
                raise ValueError("the content %s arrived damaged" % sha256[:12])
            os.replace(partial, self._file(sha256))

    def build(self, tree: Sequence[Entry], folder: str) -> None:
        """Make `folder` have exactly these files, as it was before or in a new folder."""
        above = os.path.dirname(folder)
        os.makedirs(above, exist_ok=True)
        place = tempfile.mkdtemp(dir=above, prefix=".building-")
        try:
            for path, sha256, mode in tree:
                goal = os.path.join(place, _inside(path))
                os.makedirs(os.path.dirname(goal), exist_ok=True)
                shutil.copyfile(self._file(sha256), goal)
                os.chmod(goal, mode & 0o700 | 0o600)
            if os.path.isdir(folder):
                os.rename(folder, place + ".old")
            os.rename(place, folder)
        finally:
            for left in (place, place + ".old"):
                with contextlib.suppress(OSError):
                    shutil.rmtree(left)

    def _file(self, sha256: str) -> str:
        if len(sha256) != 64 or not sha256.isalnum():
            raise ValueError("%r is not a hash" % (sha256,))
        return os.path.join(self._path, sha256[:2], sha256[2:])


def _hash(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _inside(path: str) -> str:
    """A path that stays within its tree; raises ValueError."""
    parts = path.split("/")
    if os.path.isabs(path) or ".." in parts or "\0" in path or not path:
        raise ValueError("%r leaves its folder" % (path,))
    return path
