"""Paths in a trial's own copy of the working folder (`--isolate` without overlays)."""

import os


def original(path):
    """The user's file of which the absolute `path` is the trial's copy; else `path` itself."""
    copy = os.environ.get("NNI_COPY")
    if copy and (path == copy or path.startswith(os.path.join(copy, ""))):
        return os.environ["NNI_COPIED_FOLDER"] + path[len(copy) :]
    return path
