"""rayConfig: the cluster of the training service ray."""

import os

import pytest

from annotate.errors import Mistakes
from runtime import nni_config
from runtime.executors.ray.request import RayRequest, parse_request

HEAD = """\
searchSpace: {lr: {_type: uniform, _value: [0, 1]}}
trialCommand: python3 train.py
"""


@pytest.fixture
def write(folder):
    (folder / "train.py").write_text("import nni\n")

    def write(text):
        path = folder / "config.yml"
        path.write_text(HEAD + text)
        return path

    return write


def test_the_cluster_and_the_resources_of_a_trial_are_read(write):
    path = write(
        "trainingServicePlatform: ray\nrayConfig:\n  address: 10.0.0.1:6379\n"
        "  resourcesPerTrial: {cpu: 2, gpu: 0.5, memory: 1GiB}\n"
    )
    settings = nni_config.read(path, os.environ).settings
    assert settings["executor"] == "ray"
    assert parse_request(settings["ray"]) == RayRequest(
        "10.0.0.1:6379", {"CPU": 2, "GPU": 0.5, "memory": 1 << 30}
    )


def test_without_a_ray_config_it_is_the_cluster_of_this_machine(write):
    settings = nni_config.read(write("trainingService: {platform: ray}\n"), os.environ).settings
    assert parse_request(settings["ray"]) == RayRequest("auto")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rayConfig: {address: auto}\n", "rayConfig has no effect without the platform ray"),
        (
            "trainingServicePlatform: ray\nrayConfig: {address: head}\n",
            "rayConfig: 'head' is no address of a Ray cluster",
        ),
        (
            "trainingServicePlatform: ray\nrayConfig: {resourcesPerTrial: {gpu: many}}\n",
            "rayConfig: GPU=many is not an amount",
        ),
    ],
)
def test_mistakes_name_their_place(write, text, message):
    path = write(text)
    with pytest.raises(Mistakes) as caught:
        nni_config.read(path, os.environ)
    (mistake,) = caught.value.mistakes
    assert (mistake.message, mistake.line) == (message, HEAD.count("\n") + text.count("\n"))
