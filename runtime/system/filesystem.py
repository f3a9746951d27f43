"""Which kind of file system a folder is on, and what that means for experiments kept there."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

_MOUNTS = Path("/proc/self/mounts")

#: Kinds whose files other machines may change at the same time, as Linux names them.
_NETWORK = frozenset(
    "9p afs beegfs ceph cifs coda fuse.ceph fuse.gcsfuse fuse.glusterfs fuse.juicefs fuse.rclone"  # noqa: SIM905
    " fuse.s3fs fuse.sshfs glusterfs gpfs lustre ncpfs nfs nfs4 orangefs pvfs2 smb2 smb3 smbfs"
    " virtiofs wekafs".split()
)


def kind_of(path: Path, mounts: str) -> str:
    """The kind of file system that `path` is on, by `mounts`, which is as in /proc/self/mounts.

    Empty where that does not say.
    """
    place, found, depth = path.resolve(), "", -1
    for line in mounts.splitlines():
        _, where, kind, *_ = line.split(" ")
        point = Path(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), where))
        # Of two at the same place, the later one lies over the other.
        if len(point.parts) >= depth and place.is_relative_to(point):
            found, depth = kind, len(point.parts)
    return found


def warning(home: Path, mounts: str | None = None) -> str:
    """What a person whose experiments lie in `home` should know; empty where there is nothing."""
    if mounts is None:
        mounts = ""
        with suppress(OSError):  # not Linux
            mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    kind = kind_of(home, mounts)
    if kind not in _NETWORK:
        return ""
    return (
        f"{home} is on a network file system ({kind}): use its experiments from one machine at a"
        " time, as others may see old results there; ANNOTATE_HOME names a local folder"
    )
