"""What a driver runs on a machine that may have nothing of ours: `python -c THIS ROOT HASH ID`.

It fetches the agent's code over its standard input unless the folder ROOT has it under its HASH,
and then becomes the agent's `attach` program for the experiment ID. It answers with lines of JSON:
`need` is true if the code is missing, `error` says why nothing can be done. Any Python can parse
this file.
"""

import io
import json
import os
import shutil
import sys
import tarfile
import tempfile

_START = (
    "import sys; sys.path.insert(0, %r); from runtime.stage.agent.program import main; main(%r)"
)


def _answer(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _read(size):
    data = b""
    while len(data) < size:
        chunk = os.read(0, size - len(data))
        if not chunk:
            sys.exit(1)
        data += chunk
    return data


def _fetch(folder):
    """Read the code, its size in a line and a tar archive, and unpack it whole or not at all."""
    line = b""
    while not line.endswith(b"\n"):
        line += _read(1)
    above = os.path.dirname(folder)
    place = tempfile.mkdtemp(dir=above)
    options = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(fileobj=io.BytesIO(_read(int(line)))) as archive:
        archive.extractall(place, **options)
    try:
        os.rename(place, folder)
    except OSError:  # another driver was faster
        shutil.rmtree(place, ignore_errors=True)


def _bootstrap(root, code, experiment):
    os.umask(0o077)
    root = os.path.expanduser(root)
    folder = os.path.join(root, "agents", code)
    if not os.path.isdir(os.path.dirname(folder)):
        os.makedirs(os.path.dirname(folder))
    if not os.path.isdir(folder):
        _answer(need=True)
        _fetch(folder)
    _answer(need=False)
    words = ["attach", os.path.join(root, "experiments", experiment)]
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", _START % (folder, words)])


if sys.version_info < (3, 8):
    version = "%d.%d" % sys.version_info[:2]
    _answer(error="%s is Python %s; trials need 3.8 or newer" % (sys.executable, version))
    sys.exit(2)
try:
    _bootstrap(*sys.argv[1:])
except OSError as error:
    _answer(error="%s: %s" % (error.filename or sys.argv[1], error.strerror or error))
    sys.exit(2)
