"""The agent's code as it is sent to a machine, and the command that starts it there."""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import shlex
import tarfile
from pathlib import Path

_ROOT = "~/.local/share/annotate/agent"
_OURS = Path(__file__).parents[2]  # the folder `runtime`
_OLDEST = "import sys; sys.exit(sys.version_info < (3, 8))"


@functools.cache
def archive() -> bytes:
    """The modules that an agent imports, as a compressed tar archive: equal for equal modules."""
    stage = _OURS / "stage"
    files = [_OURS / "__init__.py", stage / "__init__.py", stage / "annotate_isolate.py"]
    files += sorted((stage / "agent").glob("*.py"))
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for file in files:
            content = file.read_bytes()
            about = tarfile.TarInfo(str(file.relative_to(_OURS.parent)))
            about.size, about.mode = len(content), 0o600
            tar.addfile(about, io.BytesIO(content))
    return gzip.compress(data.getvalue(), mtime=0)


def start_command(experiment: str, python: str, program: str = "attach") -> list[str]:
    """Starts the agent's bootstrap with `python`, or with the first that is new enough.

    The bootstrap becomes the agent's `program` for the experiment.
    """
    code = hashlib.sha256(archive()).hexdigest()[:16]
    return _with_python(python, _program("bootstrap"), _ROOT, code, experiment, program)


def probe_command(python: str) -> list[str]:
    """Starts the program that looks at a machine, likewise."""
    return _with_python(python, _program("probe"), _ROOT, _program("facts"))


def clean_command(python: str) -> list[str]:
    """Starts the program that removes what agents left, likewise."""
    return _with_python(python, _program("clean"), _ROOT)


def _program(name: str) -> str:
    return (_OURS / "stage" / "agent" / f"{name}.py").read_text()


def _with_python(python: str, program: str, *arguments: str) -> list[str]:
    words = shlex.join(["-c", program, *arguments])
    if python:
        return ["sh", "-c", f"exec {shlex.quote(python)} {words}"]
    choose = (
        f"for p in python python3; do "
        f"$p -c {shlex.quote(_OLDEST)} 2>/dev/null && exec $p {words}; done; "
        """echo '{"error": "no Python 3.8 or newer is on the PATH"}'; exit 2"""
    )
    return ["sh", "-c", choose]
