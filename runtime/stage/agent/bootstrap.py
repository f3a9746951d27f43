"""What a driver runs on a machine that may have nothing of ours.

`python -c THIS ROOT HASH ID attach` fetches the agent's code over its standard input unless the
folder ROOT has it under its HASH, and then becomes the agent's `attach` program for the experiment
ID. It answers with lines of JSON: `need` is true if the code is missing, `error` says why nothing
can be done.

A job of an engine runs it with `hold` instead: it reads the code in base64, and becomes the agent.
With `join` it leads to the agent of that job. ID may have environment variables in it. Any Python
can parse this file.
"""

import base64
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
import time

_START = (
    "import sys; sys.path.insert(0, %r); from runtime.stage.agent.program import main; main(%r)"
)
_HOLD_LIMIT = 30  # seconds for a job's agent to start, and for a failed job to be asked why


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


def _fetch():
    """Read a tar archive of the code, and its size in a line before it."""
    line = b""
    while not line.endswith(b"\n"):
        line += _read(1)
    return _read(int(line))


def _unpack(data, folder):
    """Unpack the code whole or not at all."""
    above = os.path.dirname(folder)
    place = tempfile.mkdtemp(dir=above)
    options = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(place, **options)
    try:
        os.rename(place, folder)
    except OSError:  # another driver was faster
        shutil.rmtree(place, ignore_errors=True)


def _wait_for(folder):
    """Wait until the job's own process has the code."""
    until = time.time() + _HOLD_LIMIT
    while not os.path.isdir(folder) and time.time() < until:
        time.sleep(0.02)
    if not os.path.isdir(folder):
        _answer(error="the job's agent did not start within %d s" % _HOLD_LIMIT)
        sys.exit(2)


def _bootstrap(root, code, experiment, program):
    os.umask(0o077)
    root = os.path.expanduser(root)
    folder = os.path.join(root, "agents", code)
    if not os.path.isdir(os.path.dirname(folder)):
        os.makedirs(os.path.dirname(folder))
    if program == "join":
        _wait_for(folder)
    elif not os.path.isdir(folder):
        _answer(need=True)
        _unpack(base64.b64decode(sys.stdin.read()) if program == "hold" else _fetch(), folder)
    _answer(need=False)
    words = [program, os.path.join(root, "experiments", os.path.expandvars(experiment))]
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", _START % (folder, words)])


if sys.version_info < (3, 8):
    version = "%d.%d" % sys.version_info[:2]
    _answer(error="%s is Python %s; trials need 3.8 or newer" % (sys.executable, version))
    sys.exit(2)
try:
    _bootstrap(*sys.argv[1:])
except OSError as error:
    _answer(error="%s: %s" % (error.filename or sys.argv[1], error.strerror or error))
    if sys.argv[4] == "hold":
        time.sleep(_HOLD_LIMIT)
    sys.exit(2)
