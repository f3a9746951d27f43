"""Expanded code runs on every Python that a trial may use."""

import json
import subprocess
from pathlib import Path

import nni
from annotate.instrument import expand

SOURCE = '''\
import asyncio
from dataclasses import dataclass

def f(x): return x

@dataclass
class C:
    """A class."""
    lr: float = 0.5  # @nni.uniform(0, 1)
    k: int = f(1)  # @nni.choice(f(1), f(2), nni.randint(5, 9))

async def g(n=1):  # @nni.choice(1, 2)
    # @nni.function_choice(asyncio.sleep(0, "a"), asyncio.sleep(0, "b"), name=asyncio.sleep)
    return n, await asyncio.sleep(0, "a")

s = f"{f('é')}!"  # @nni.function_choice(f('é'), f(3), name=f)
with open(file=__file__, encoding="utf-8") as h: pass
__import__("os")
print([C().lr, C().k, asyncio.run(g()), s])
'''
VALUES = {
    "m/lr/uniform": 0.25,
    "m/k/choice": {"_name": "nni.randint(5, 9)", "randint": 7},
    "m/n/choice": 2,
    "m/asyncio.sleep/function_choice": 'asyncio.sleep(0, "b")',
}


def test_expanded_code_runs_on_every_python(python, tmp_path):
    code = expand(SOURCE.encode(), path="m.py", module="m").code
    (tmp_path / "m.py").write_bytes(code)
    (tmp_path / "nni.py").write_bytes(Path(nni.__file__).read_bytes())
    system = tmp_path / "system"
    system.mkdir()
    for values, expected in [
        ({}, [0.5, 1, (1, "a"), "é!"]),
        (VALUES, [0.25, 7, (2, "b"), "é!"]),
        ({"m/f/function_choice": "f(3)"}, [0.5, 1, (1, "a"), "3!"]),
    ]:
        (system / "parameters.json").write_text(json.dumps({"parameters": values}))
        done = subprocess.run(
            [python, "m.py"],
            cwd=tmp_path,
            env={"NNI_SYS_DIR": str(system), "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout.decode().strip() == str(expected)
