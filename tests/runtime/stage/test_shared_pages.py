"""The memory that trials share is collapsed into large pages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

STAGE = Path(__file__).parents[3] / "runtime" / "stage"
SCRIPT = """\
import ctypes, hashlib, os, sys
sys.path.insert(0, sys.argv[1])
import annotate_pages

def large():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("AnonHugePages"))

held = bytearray(os.urandom(1 << 20) * 32)
before, seen = large(), hashlib.sha256(held).digest()
pieces = annotate_pages.Pieces(ctypes.CDLL(None))
while pieces:
    pieces.gather()
assert hashlib.sha256(held).digest() == seen
print(large() - before)
"""


def gathered():
    """The increase of memory in large pages, in KiB."""
    command = [sys.executable, "-c", SCRIPT, str(STAGE)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def can_collapse():
    release = tuple(int(part) for part in os.uname().release.split(".")[:2])
    return sys.platform == "linux" and release >= (6, 1)


@pytest.mark.skipif(not can_collapse(), reason="Linux 6.1 and newer can do it")
def test_collapsed_memory_is_in_large_pages_and_unchanged():
    assert gathered() > 8 << 10
