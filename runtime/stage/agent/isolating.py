"""Starts a command in a working folder of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from annotate.json_value import JSON

_PROGRAM = Path(__file__).parents[2] / "stage" / "annotate_isolate.py"


def launcher(options: Mapping[str, JSON], command: Sequence[str]) -> list[str]:
    """The command that runs `command` there; `options` are those of `annotate_isolate.py`."""
    return [sys.executable, "-IS", str(_PROGRAM), json.dumps(options), *command]
