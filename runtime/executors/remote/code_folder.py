"""The files of the code folder that trials on other machines may read."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "__pypackages__"})
_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")
_LARGEST = 100 << 20  # bytes of a file
_MOST = 1 << 30  # bytes of all
_CONFIG = 1 << 20  # bytes of a config file
_PASSWORD = re.compile(rb"""\b(?:passwd|password|passphrase|sshPassphrase)["']?\s*:""")
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def files_to_ship(root: Path, home: Path) -> tuple[list[Path], list[Path]]:
    """The files below `root`, in order, and those that are too large to be sent.

    Leaves out hidden folders, caches, virtual environments, installed packages and `home`, where
    the experiments are. Files that a .gitignore names are sent: data usually is.
    """
    files: list[Path] = []
    left: list[Path] = []
    total = 0
    for above, folders, names in os.walk(root):
        if Path(above) != root and set(_ENVIRONMENTS).intersection({*names, *folders}):
            folders.clear()
            continue
        folders[:] = sorted(
            n for n in folders if n not in _FOLDERS and n[0] != "." and Path(above, n) != home
        )
        for name in sorted(names):
            path = Path(above, name)
            status = path.stat() if path.exists() else None
            if status is None or not stat.S_ISREG(status.st_mode):
                continue
            total += status.st_size if status.st_size <= _LARGEST else 0
            too_much = status.st_size > _LARGEST or total > _MOST
            (left if too_much else files).append(path)
    return files, left


def holds_secrets(path: Path) -> bool:
    """Whether the file is a private key, or a config file with the passwords of a machineList."""
    try:
        with path.open("rb") as file:
            if path.suffix.lower() in (".yml", ".yaml"):
                data = file.read(_CONFIG)
                return b"machineList" in data and _PASSWORD.search(data) is not None
            return _KEY.match(file.read(64)) is not None
    except OSError:
        return False
