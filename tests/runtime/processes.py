"""What tests ask of processes that end while they are asked after."""

import psutil


def runs(pid):
    """Whether it is there and no zombie; it may end between the two questions."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
