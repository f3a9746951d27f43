"""Imported by Python at the start of every process of a trial."""

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))


def _next():
    """Import the environment's own sitecustomize, which this module hides."""
    path = sys.path[:]
    ours = sys.modules.pop(__name__)
    try:
        sys.path[:] = [entry for entry in path if os.path.abspath(entry) != _here]
        __import__(__name__)
    except ModuleNotFoundError as error:
        if error.name != __name__:
            raise
        sys.modules[__name__] = ours
    finally:
        sys.path[:] = path


if os.environ.get("NNI_SYS_DIR"):
    import annotate_trial

    annotate_trial.install()
    annotate_trial.watch_imports()
_next()
