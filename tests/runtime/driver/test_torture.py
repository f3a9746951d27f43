"""Kills at random moments; `benchmarks/torture.py` does many more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TORTURE = Path(__file__).parents[3] / "benchmarks" / "torture.py"
KILLS = os.environ.get("ANNOTATE_KILLS", "8")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
def test_kills_at_random_moments_lose_change_and_duplicate_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, TORTURE, "--kills", KILLS, "--trials", "6"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing was lost" in done.stdout
