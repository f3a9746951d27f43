"""What a driver runs to look at a machine: `python -c THIS ROOT FACTS`.

FACTS is the source of `facts.py`. It answers with one line of JSON: `facts`, or `error` and `hint`,
which say why no trial can run. It leaves no file. Any Python can parse this file.
"""

import json
import os
import sys
import tempfile

_NEEDED = 1 << 20  # bytes


def _answer(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _existing(folder):
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def _probe(root, source):
    folder = _existing(os.path.expanduser(root))
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0" * _NEEDED)
        file.flush()
        os.fsync(file.fileno())
    facts = {}
    exec(source, facts)
    _answer(facts=dict(facts["facts_of"](folder), gpus=facts["gpus"]()))


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
