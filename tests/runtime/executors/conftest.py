"""A plan for executors on other machines."""

import pytest

from runtime.core.paths import ExperimentFolder
from runtime.executors.remote.plan import Plan
from runtime.loop.job import stage


@pytest.fixture
def plan(tmp_path):
    """What an experiment needs elsewhere; its script runs the code in its first argument."""
    return make_plan(tmp_path, "EXP")


def make_plan(folder, name):
    """A plan of the experiment `name`, in an empty folder."""
    code = folder / "it's" / "code"
    code.mkdir(parents=True)
    experiment = ExperimentFolder(folder / "driver" / name)
    stage(experiment.stage, code)
    (code / "data.txt").write_text("data")
    for folder in (code, experiment.snapshot / "code"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "train.py").write_text("import sys\nexec(sys.argv[1])\n")
    return Plan(experiment, code, (code / "data.txt",), code, "train.py", 0o22)
