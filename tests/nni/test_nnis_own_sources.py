"""NNI's own algorithms as custom classes, from its wheels in an environment of their own."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import INTERPRETERS

pytestmark = [pytest.mark.engines, pytest.mark.timeout(1200)]

#: What NNI's algorithms import, as of the time when they were written.
PACKAGES = ["json_tricks", "schema", "hyperopt", "ConfigSpace==0.7.1", "statsmodels", "numpy<2"]
TRAIN = """\
import nni
values = nni.get_next_parameter()
x = values["x"]
for step in range(int(values.get("TRIAL_BUDGET", 2))):
    nni.report_intermediate_result(-abs(x - 0.3) - 1 / (1 + step))
nni.report_final_result(-abs(x - 0.3))
"""
SPACE = {
    "x": {"_type": "uniform", "_value": [0, 1]},
    "c": {"_type": "choice", "_value": ["a", "b"]},
}
GRID = {**SPACE, "x": {"_type": "quniform", "_value": [0, 1, 0.25]}}
OPTIONS = [{"x": 0.125, "c": "a"}, {"x": 0.25, "c": "b"}, {"x": 0.75, "c": "b"}]
BATCH = {"combine_params": {"_type": "choice", "_value": OPTIONS}}
HALVING = {"R": 9, "eta": 3, "optimize_mode": "maximize"}
BOHB = {"min_budget": 1, "max_budget": 9, "eta": 3, "optimize_mode": "maximize"}
MODE = {"optimize_mode": "maximize"}

#: Its section, file, class, arguments, search space, and how many trials it gives of 14.
ALGORITHMS = {
    "Hyperband": ("advisor", "hyperband_advisor", "Hyperband", HALVING, SPACE, 14),
    "BOHB": ("advisor", "bohb_advisor/bohb_advisor", "BOHB", BOHB, SPACE, 14),
    "GridSearch": ("tuner", "gridsearch_tuner", "GridSearchTuner", {}, GRID, 10),
    "Evolution": ("tuner", "evolution_tuner", "EvolutionTuner", {"population_size": 6}, SPACE, 14),
    "Batch": ("tuner", "batch_tuner", "BatchTuner", {}, BATCH, 3),
    "Hyperopt": (
        "tuner",
        "hyperopt_tuner",
        "HyperoptTuner",
        {"algorithm_name": "tpe", **MODE},
        SPACE,
        14,
    ),
    "PBT": ("tuner", "pbt_tuner", "PBTTuner", {"population_size": 4, **MODE}, SPACE, 14),
}


@pytest.fixture(scope="module", params=["1.9", "3.0"])
def installed(request, tmp_path_factory):
    """An NNI's folder, and the interpreter in whose environment it is installed."""
    old = [python for python in INTERPRETERS if "3.10" in python]
    if not old:
        pytest.skip("ConfigSpace 0.7 needs a Python of its time, such as 3.10")
    place = tmp_path_factory.mktemp("nni")
    python = place / "bin" / "python"
    subprocess.run([old[0], "-m", "venv", place], check=True)
    pip = [python, "-m", "pip", "install", "-q"]
    subprocess.run([*pip, *PACKAGES, "typing_extensions"], check=True)
    subprocess.run([*pip, "--no-deps", f"nni=={request.param}"], check=True)
    (folder,) = place.glob("lib/*/site-packages/nni")
    return folder, python


def _place(nni: Path, file: str) -> Path:
    """The file in NNI 1, which has a folder for each algorithm, or in NNI 3."""
    later = nni / "algorithms" / "hpo" / f"{file}.py"
    first = nni / Path(file).name / f"{Path(file).name}.py"
    return later if later.exists() else first


@pytest.mark.parametrize("name", ALGORITHMS)
def test_nnis_algorithm_runs_as_a_custom_class(annotate, folder, installed, name):
    nni, python = installed
    section, file, own, arguments, space, count = ALGORITHMS[name]
    path = _place(nni, file)
    (folder / "train.py").write_text(TRAIN)
    (folder / "space.json").write_text(json.dumps(space))
    config = {
        "trialConcurrency": 2,
        "maxTrialNum": 14,
        "trainingServicePlatform": "local",
        "searchSpacePath": "space.json",
        "trial": {"command": f"{python} train.py", "codeDir": "."},
        section: {
            "codeDir": str(path.parent),
            "classFileName": path.name,
            "className": own,
            "classArgs": arguments,
        },
    }
    (folder / "config.yml").write_text(json.dumps(config))
    done = annotate("create", "-c", "config.yml", "--foreground", "--json", timeout=300)
    trials = json.loads(done.stdout)["trials"]
    assert [trial["state"] for trial in trials] == ["SUCCEEDED"] * count
    if name == "Batch":
        assert [trial["values"] for trial in trials] == OPTIONS
    if section == "advisor":
        assert {trial["values"]["TRIAL_BUDGET"] for trial in trials} >= {1, 3}
