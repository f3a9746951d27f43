"""Detects network file systems, which are risky places for experiments."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

_MOUNTS = Path("/proc/self/mounts")

#: File systems, by Linux's names, whose files other machines may change at the same time.
_NETWORK = frozenset(
    "9p afs beegfs ceph cifs coda fuse.ceph fuse.gcsfuse fuse.glusterfs fuse.juicefs fuse.rclone"  # noqa: SIM905
    " fuse.s3fs fuse.sshfs glusterfs gpfs lustre ncpfs nfs nfs4 orangefs pvfs2 smb2 smb3 smbfs"
    " virtiofs wekafs".split()
)


def kind_of(path: Path, mounts: str) -> str:
    """The type of the file system that holds `path`; empty if unknown.

    `mounts` is the text of /proc/self/mounts.
    """
    path, deepest_kind, depth = path.resolve(), "", -1
    for line in mounts.splitlines():
        _, escaped, kind, *_ = line.split(" ")
        mount_point = Path(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), escaped))
        # Of two mounts at the same place, the later one hides the earlier.
        if len(mount_point.parts) >= depth and path.is_relative_to(mount_point):
            deepest_kind, depth = kind, len(mount_point.parts)
    return deepest_kind


def is_network(path: Path) -> bool:
    """Whether other machines may change files below `path`."""
    return kind_of(path, _mounts()) in _NETWORK


def warning(home: Path, mounts: str | None = None) -> str:
    """A warning if `home`, the folder of the experiments, is on a network file system; else ""."""
    kind = kind_of(home, _mounts() if mounts is None else mounts)
    if kind not in _NETWORK:
        return ""
    return (
        f"{home} is on a network file system ({kind}): use its experiments from one machine at a"
        " time, because other machines may see stale results; set ANNOTATE_HOME to a local folder"
    )


def _mounts() -> str:
    with suppress(OSError):  # not Linux
        return _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    return ""
