"""A plan for executors on other machines."""

import pytest

from runtime.core.paths import ExperimentFolder
from runtime.executors.remote.plan import Plan
from runtime.loop.job import stage


@pytest.fixture
def plan(tmp_path):
    """What an experiment needs elsewhere; its script runs the code in its first argument."""
    code = tmp_path / "it's" / "code"
    code.mkdir(parents=True)
    experiment = ExperimentFolder(tmp_path / "driver" / "EXP")
    stage(experiment.stage, code)
    (code / "data.txt").write_text("data")
    for folder in (code, experiment.snapshot / "code"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "train.py").write_text("import sys\nexec(sys.argv[1])\n")
    return Plan(experiment, code, (code / "data.txt",), code, "train.py", 0o22)
