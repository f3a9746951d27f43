"""Starts a command in a working folder of its own."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Mapping, Sequence

_PROGRAM = os.path.join(os.path.dirname(os.path.dirname(__file__)), "annotate_isolate.py")


def launcher(options: Mapping[str, Any], command: Sequence[str]) -> list[str]:
    """The command that runs `command` there; `options` are those of `annotate_isolate.py`."""
    return [sys.executable, "-IS", _PROGRAM, json.dumps(options), *command]
