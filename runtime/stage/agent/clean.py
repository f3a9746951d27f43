"""What a driver runs to remove what agents left on a machine: `python -c THIS ROOT NAME...`.

It answers with one line of JSON: the names of the experiments that were `removed` and of those that
were `kept`, because their agents run or they are among the NAMEs, and the bytes that were `freed`.
"""

import fcntl
import json
import os
import shutil
import sys


def _is_served(folder):
    """Whether the experiment's agent runs; it holds the lock."""
    try:
        lock = os.open(os.path.join(folder, "agent.lock"), os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def _remove(folder):
    """Remove a folder; returns its size in bytes."""
    size = 0
    for above, _, names in os.walk(folder):
        for name in names:
            size += os.lstat(os.path.join(above, name)).st_size
    shutil.rmtree(folder)
    return size


def _clean(root, kept):
    experiments = os.path.join(root, "experiments")
    names = sorted(os.listdir(experiments)) if os.path.isdir(experiments) else []
    served = [name for name in names if _is_served(os.path.join(experiments, name))]
    kept = [name for name in names if name in served or name in kept]
    removed = [name for name in names if name not in kept]
    size = sum(_remove(os.path.join(experiments, name)) for name in removed)
    if not kept and os.path.isdir(root):  # the agents' code and the contents of all experiments
        size += _remove(root)
    sys.stdout.write(json.dumps({"removed": removed, "kept": kept, "freed": size}) + "\n")


try:
    _clean(os.path.expanduser(sys.argv[1]), sys.argv[2:])
except OSError as error:
    reason = "%s cannot be removed: %s" % (error.filename, error.strerror or error)
    sys.stdout.write(json.dumps({"error": reason, "hint": "remove it there by hand"}) + "\n")
    sys.exit(2)
