"""--gpus on Slurm: jobs ask for them, and trials see those of their job."""

import pytest

from annotate.errors import AnnotateError
from runtime.core.config import Config
from runtime.driver.elsewhere import slurm_request


def config(slurm, **settings):
    return Config("train.py", "/", "python", executor="slurm", slurm=slurm, **settings)


def test_the_gpus_of_a_trial_are_those_of_its_job():
    options = slurm_request(config("partition=gpu,pilots=2", gpus=2)).options
    assert options == ("--partition=gpu", "--gres=gpu:2")
    assert slurm_request(config("pilots=1,slots=4", gpus=2)).options == ("--gres=gpu:8",)
    assert slurm_request(config("gres=gpu:1", gpus=0)).options == ("--gres=gpu:1",)


@pytest.mark.parametrize(
    ("slurm", "message"),
    [
        ("gres=gpu:1", "--gpus 1 and gres=gpu:1 both ask for GPUs"),
        ("gpus-per-node=2", "--gpus 1 and gpus-per-node=2 both ask for GPUs"),
    ],
)
def test_gpus_that_are_asked_for_twice_are_refused(slurm, message):
    with pytest.raises(AnnotateError, match=message):
        slurm_request(config(slurm, gpus=1))
