"""Benchmarks run; what they measure is theirs."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_scale_runs_an_experiment_to_its_end():
    words = ["--concurrent", "8", "--tuners", "tpe", "--assessor", "medianstop"]
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "scale.py", *words, "--more", "30", "--repeats", "0"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    headings, figures = done.stdout.splitlines()
    assert headings.split()[:4] == ["at", "a", "time", "tuner"]
    assert figures.split()[:2] == ["8", "tpe"]
