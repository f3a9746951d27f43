"""Helpers for processes that may end at any moment."""

import psutil


def runs(pid):
    """Whether the process exists and is not a zombie. It may end between the two checks."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
