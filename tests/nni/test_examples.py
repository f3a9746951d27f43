"""NNI's kinds of examples, in our own words: they run from NNI's config files, unchanged."""

import json

import pytest

CONFIG = {
    "authorName": "somebody",
    "experimentName": "example",
    "trialConcurrency": 1,
    "maxExecDuration": "1h",
    "maxTrialNum": 4,
    "trainingServicePlatform": "local",
    "useAnnotation": False,
    "trial": {"command": "python3 train.py", "codeDir": ".", "gpuNum": 0},
}

#: A nested search space: a model and what only this model has.
NESTED = {
    "train.py": """\
import nni, nni.platform
from nni.runtime.env_vars import trial_env_vars
layer = nni.get_next_parameter()["layer"]
assert trial_env_vars.NNI_PLATFORM == "local"
assert nni.platform.get_next_parameter()["parameters"] == {"layer": layer}
if layer["_name"] == "conv":
    assert layer["kernel"] in (2, 3) and set(layer) == {"_name", "kernel"}
nni.report_final_result(layer.get("kernel", 0))
""",
    "search_space.json": {
        "layer": {
            "_type": "choice",
            "_value": [
                {"_name": "empty"},
                {"_name": "conv", "kernel": {"_type": "choice", "_value": [2, 3]}},
            ],
        }
    },
    "config": {
        "searchSpacePath": "search_space.json",
        "tuner": {"builtinTunerName": "GridSearch"},
    },
    "metrics": {0, 2, 3},
}

#: Annotations in strings before their statements, as NNI's page has them.
ANNOTATED = {
    "train.py": '''\
def halved(x):
    return x / 2
def doubled(x):
    return x * 2

"""@nni.variable(nni.choice(2, 4), name=size)"""
size = 1
"""@nni.get_next_parameter()"""
"""@nni.function_choice(halved(size), doubled(size), name=halved)"""
result = halved(size)
for step in range(2):
    """@nni.report_intermediate_result(result * step)"""
"""@nni.report_final_result(result)"""
''',
    "config": {"useAnnotation": True, "tuner": {"builtinTunerName": "GridSearch"}},
    "metrics": {1, 2, 4, 8},
}

#: A customized tuner and a customized assessor: both see what NNI shows them.
CUSTOMIZED = {
    "train.py": """\
import nni
x = nni.get_next_parameter()["x"]
for step in range(3):
    nni.report_intermediate_result(x * (step + 1))
nni.report_final_result(x * 3)
""",
    "search_space.json": {"x": {"_type": "choice", "_value": [1, 2, 3, 4]}},
    "own/counting.py": """\
from nni.tuner import Tuner
from nni.utils import extract_scalar_reward
class Counting(Tuner):
    def __init__(self, optimize_mode):
        assert optimize_mode == "maximize"
    def update_search_space(self, search_space):
        self.values = search_space["x"]["_value"]
    def generate_parameters(self, parameter_id, **kwargs):
        return {"x": self.values[parameter_id]}
    def receive_trial_result(self, parameter_id, parameters, value, **kwargs):
        assert extract_scalar_reward(value) == parameters["x"] * 3
    def trial_end(self, parameter_id, success, **kwargs):
        pass
""",
    "own/patient.py": """\
from nni.assessor import AssessResult, Assessor
class Patient(Assessor):
    def __init__(self, least):
        self.least = least
    def assess_trial(self, trial_job_id, trial_history):
        return AssessResult.Good if trial_history[-1] >= self.least else AssessResult.Bad
""",
    "config": {
        "searchSpacePath": "search_space.json",
        "tuner": {
            "codeDir": "own",
            "classFileName": "counting.py",
            "className": "Counting",
            "classArgs": {"optimize_mode": "maximize"},
        },
        "assessor": {
            "codeDir": "own",
            "classFileName": "patient.py",
            "className": "Patient",
            "classArgs": {"least": 1},
        },
    },
    "metrics": {3, 6, 9, 12},
}

#: Weights that go from one trial to the next, by the folders that PBT names.
CHECKPOINTS = {
    "train.py": """\
import os, nni
values = nni.get_next_parameter()
loads, saves = (f"{values[name]}/weight" for name in ("load_checkpoint_dir", "save_checkpoint_dir"))
weight = float(open(loads).read()) if os.path.exists(loads) else 0.0
with open(saves, "w") as file:
    file.write(str(weight + 1))
nni.report_final_result(weight)
""",
    "search_space.json": {"lr": {"_type": "uniform", "_value": [0, 1]}},
    "config": {
        "searchSpacePath": "search_space.json",
        "tuner": {"builtinTunerName": "PBTTuner", "classArgs": {"population_size": 2}},
    },
    "metrics": {0, 1},
}

EXAMPLES = {
    "nested": NESTED,
    "annotated": ANNOTATED,
    "customized": CUSTOMIZED,
    "checkpoints": CHECKPOINTS,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_nnis_runs_unchanged(name, annotate, folder):
    example = EXAMPLES[name]
    for path, content in example.items():
        if "." in path:
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(content if isinstance(content, str) else json.dumps(content))
    (folder / "config.yml").write_text(json.dumps({**CONFIG, **example["config"]}))
    done = annotate("create", "-c", "config.yml", "--foreground", "--json")
    trials = json.loads(done.stdout)["trials"]
    assert {trial["state"] for trial in trials} == {"SUCCEEDED"}
    assert {trial["metric"] for trial in trials} == example["metrics"]
