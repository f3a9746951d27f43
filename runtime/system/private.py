"""Keeps the experiments' home private: files for its owner alone, whatever the user's umask is.

Our own process's umask does that for every file, including those of libraries. The user's programs
start with the user's umask, so their files get the usual modes.
"""

from __future__ import annotations

import os

_PRIVATE = 0o077
_users: int | None = None


def keep_private() -> None:
    """From now on, this process creates files with mode 0600 and folders with mode 0700."""
    global _users
    if _users is None:
        _users = os.umask(_PRIVATE)


def users_umask() -> int:
    """The umask that this process was started with, for processes of the user's."""
    if _users is not None:
        return _users
    umask = os.umask(_PRIVATE)
    os.umask(umask)
    return umask
