"""The agent's code as it is sent to a machine, and the command that starts it there."""

from __future__ import annotations

import functools
import gzip
import hashlib
import importlib.util
import io
import json
import shlex
import tarfile
from collections.abc import Sequence
from pathlib import Path

_ROOT = "~/.local/share/annotate/agent"
_OURS = Path(__file__).parents[2]  # the folder `runtime`
_OLDEST = "import sys; sys.exit(sys.version_info < (3, 8))"


@functools.cache
def archive(*, gpus: bool = False) -> bytes:
    """The modules that an agent imports, as a compressed tar archive: equal for equal modules.

    With `gpus`, it also has the package that reads GPUs.
    """
    stage = _OURS / "stage"
    files = [_OURS / "__init__.py", stage / "__init__.py", stage / "annotate_isolate.py"]
    files += sorted((stage / "agent").rglob("*.py"))
    names = {str(file.relative_to(_OURS.parent)): file for file in files}
    if gpus:
        names["pynvml.py"] = _pynvml()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, file in names.items():
            content = file.read_bytes()
            about = tarfile.TarInfo(name)
            about.size, about.mode = len(content), 0o600
            tar.addfile(about, io.BytesIO(content))
    return gzip.compress(data.getvalue(), mtime=0)


def _pynvml() -> Path:
    """The one file of the package nvidia-ml-py, which needs no other and runs in Python 3.8."""
    spec = importlib.util.find_spec("pynvml")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def start_command(
    experiment: str, python: str, program: str = "attach", *, gpus: bool = False
) -> list[str]:
    """Starts the agent's bootstrap with `python`, or with the first that is new enough.

    The bootstrap becomes the agent's `program` for the experiment, with the code of `archive`.
    """
    code = hashlib.sha256(archive(gpus=gpus)).hexdigest()[:16]
    return _with_python(python, _program("bootstrap"), _ROOT, code, experiment, program)


def probe_command(python: str, *, size: int = 0, paths: Sequence[str] = ()) -> list[str]:
    """Starts the program that looks at a machine, and whether `paths` are there, likewise.

    `size` is that of an archive for it.
    """
    return _with_python(python, _program("probe"), _ROOT, _program("facts"), str(size), *paths)


def clean_command(python: str, kept: Sequence[str] = ()) -> list[str]:
    """Starts the program that removes what agents left, but for these experiments, likewise."""
    return _with_python(python, _program("clean"), _ROOT, *kept)


def _program(name: str) -> str:
    return (_OURS / "stage" / "agent" / f"{name}.py").read_text()


def _with_python(python: str, program: str, *arguments: str) -> list[str]:
    words = shlex.join(["-c", program, *arguments])
    if python:
        found = f"command -v {shlex.quote(python)} >/dev/null"
        start = f"exec {shlex.quote(python)} {words}"
        return ["sh", "-c", f"{found} && {start}; {_fail(f'there is no {python}')}"]
    choose = (
        f"for p in python python3; do "
        f"$p -c {shlex.quote(_OLDEST)} 2>/dev/null && exec $p {words}; done; "
        + _fail("no Python 3.8 or newer is on the PATH")
    )
    return ["sh", "-c", choose]


def _fail(reason: str) -> str:
    """Answers as the programs do."""
    return f"echo {shlex.quote(json.dumps({'error': reason}))}; exit 2"
