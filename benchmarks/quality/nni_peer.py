"""NNI's own TPE in a separate interpreter, because its package and ours are both called `nni`.

python -m venv nni-env && nni-env/bin/pip install nni 'setuptools<80'
export QUALITY_NNI=nni-env/bin/python
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile

_SERVER = """
import json, sys
# It logs to what it takes for the standard output.
answers, sys.stdout = sys.stdout, sys.stderr
from nni.algorithms.hpo.tpe_tuner import TpeTuner
space, seed = json.loads(sys.stdin.readline())
tuner = TpeTuner(optimize_mode="minimize", seed=seed)
tuner.update_search_space(space)
number = 0
for line in sys.stdin:
    told = json.loads(line)
    if told is None:
        print(json.dumps(tuner.generate_parameters(number)), file=answers, flush=True)
    else:
        tuner.receive_trial_result(number, None, *told)
        number += 1
"""
#: NNI's tuner accepts no failures; a failure is reported as this loss, worse than any real one.
_FAILED = 1e6


class NNI:
    """NNI's TpeTuner with its own defaults."""

    def __init__(self, name, problem, seed, trials):
        interpreter = os.environ.get("QUALITY_NNI")
        if not interpreter:
            raise SystemExit("nni-tpe needs QUALITY_NNI, an interpreter that has NNI installed")
        self._process = subprocess.Popen(
            [interpreter, "-c", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # Not in the current folder, which may contain our own `nni.py`.
            cwd=tempfile.gettempdir(),
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        )
        self._space = problem.space
        self._send([_all_nested(problem.json), seed])

    def _send(self, message):
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def ask(self):
        self._send(None)
        return self._space.locate(_plain(json.loads(self._process.stdout.readline())))

    def tell(self, values, loss):
        self._send([_FAILED if loss is None else loss])

    def close(self):
        self._process.communicate()


def _all_nested(space):
    """If one option of a choice is nested, write all of them as nested, as NNI's TPE requires."""
    nested = {}
    for key, domain in space.items():
        options = domain["_value"]
        if domain["_type"] == "choice" and any(isinstance(o, dict) for o in options):
            options = [o if isinstance(o, dict) else {"_name": o} for o in options]
            options = [{"_name": o["_name"]} | _all_nested(_children(o)) for o in options]
        nested[key] = {"_type": domain["_type"], "_value": options}
    return nested


def _children(option):
    return {k: v for k, v in option.items() if k != "_name"}


def _plain(values):
    """Write options without children as their name only."""
    plain = {}
    for key, value in values.items():
        if isinstance(value, dict):
            inner = _plain(_children(value))
            value = {"_name": value["_name"]} | inner if inner else value["_name"]
        plain[key] = value
    return plain
