"""What a driver runs to look at a machine: `python -c THIS ROOT FACTS SIZE PATH...`.

FACTS is the source of `facts.py`. SIZE is that of a tar archive of the agent's code on standard
input, with which it looks at the GPUs, or 0. It answers with one line of JSON: `facts`, with those
of the PATHs that it `sees`, or `error` and `hint`, which say why no trial can run. It leaves no
file. Any Python can parse this file.
"""

import io
import json
import os
import shutil
import sys
import tarfile
import tempfile

_NEEDED = 1 << 20  # bytes


def _answer(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _existing(folder):
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def _gpus(size):
    """What `gpus/look.py` says; it needs the agent's code for a moment."""
    place = tempfile.mkdtemp()
    try:
        data = io.BytesIO(sys.stdin.buffer.read(size))
        options = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        with tarfile.open(fileobj=data) as archive:
            archive.extractall(place, **options)
        sys.path.insert(0, place)
        from runtime.stage.agent.gpus.look import look

        return look()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _probe(root, source, size, *paths):
    folder = _existing(os.path.expanduser(root))
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0" * _NEEDED)
        file.flush()
        os.fsync(file.fileno())
    facts = {}
    exec(source, facts)
    facts = facts["facts_of"](folder)
    facts["sees"] = [path for path in paths if os.path.exists(path)]
    if int(size):
        try:
            facts["gpus"] = _gpus(int(size))
        except OSError as error:
            facts["gpus"] = {"unusable": str(error), "view": None, "visible": None}
    _answer(facts=facts)


if sys.version_info < (3, 8):
    version = "%d.%d" % sys.version_info[:2]
    _answer(error="%s is Python %s; trials need 3.8 or newer" % (sys.executable, version))
    sys.exit(2)
try:
    _probe(*sys.argv[1:])
except OSError as error:
    reason = "%s cannot be written: %s" % (
        _existing(os.path.expanduser(sys.argv[1])),
        error.strerror or error,
    )
    _answer(error=reason, hint="trials keep their files there while they run")
    sys.exit(2)
