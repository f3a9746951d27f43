"""slurmConfig: what a config file asks Slurm for."""

import os

import pytest

from annotate.errors import Mistakes
from runtime import nni_config
from runtime.core.config import Config
from runtime.core.slurm_request import SlurmRequest, parse_request
from runtime.driver.elsewhere import slurm_request

HEAD = """\
searchSpace: {lr: {_type: uniform, _value: [0, 1]}}
trialCommand: python3 train.py
"""
OPTIONS = """\
  partition: gpu
  time: 1:30:00
  gres: gpu:1,shard:2
  cpusPerTask: 4
  exclusive: true
  overcommit: false
"""
V1 = "trainingServicePlatform: slurm\nslurmConfig:\n" + OPTIONS
V2 = "trainingService:\n  platform: slurm\n  reuseMode: true\n" + OPTIONS
ASKED = (
    "--partition=gpu",
    "--time=1:30:00",
    "--gres=gpu:1,shard:2",
    "--cpus-per-task=4",
    "--exclusive",
)


@pytest.fixture
def read(folder):
    (folder / "train.py").write_text("import nni\n")

    def read(text):
        path = folder / "config.yml"
        path.write_text(HEAD + text)
        return nni_config.read(path, os.environ)

    return read


@pytest.mark.parametrize("text", [V1, V2])
def test_options_of_both_versions_are_those_of_the_command_line(read, text):
    settings = read(text).settings
    assert settings["executor"] == "slurm"
    assert parse_request(settings["slurm"]) == SlurmRequest(ASKED)
    assert settings["python_there"] == "python3"


def test_pilots_say_how_many_trials_run_at_a_time_unless_the_file_does(read):
    text = V1 + "  pilots: 2\n  slots: 3\n"
    assert parse_request(read(text).settings["slurm"]) == SlurmRequest(ASKED, 2, 3)
    assert read(text).settings["concurrency"] == 6
    assert read(text + "trialConcurrency: 4\n").settings["concurrency"] == 4


def test_the_gpus_of_a_trial_are_asked_of_slurm(read):
    text = "trialGpuNumber: 2\n" + V1.replace("  gres: gpu:1,shard:2\n", "")
    request = slurm_request(Config.new(read(text).settings))
    assert request.options[-1] == "--gres=gpu:2"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (V1 + "  output: x\n", 11, "slurmConfig.output: output cannot be set"),
        (V2 + "  jobName: x\n", 12, "trainingService.jobName: job-name cannot be set"),
        (V1 + "  pilots: many\n", 11, "pilots=many is not a whole number"),
        (V1 + "  slots: 2\n", 11, "slots has no effect without pilots"),
        (V1 + "  a b: 2\n", 11, "'a b' is not an option of sbatch"),
        (V1 + "  mem: [1]\n", 11, "its value must be a text or a number"),
        (V1 + "  cpus-per-task: 2\n", 11, "cpus-per-task is given twice"),
        (V1 + "  comment: a,b=c\n", 11, "starts another option"),
        (V2 + "  trialComand: x\n", 12, "unknown field trialComand in trainingService"),
        ("trainingServicePlatform: slurm\nslurmConfig: 3\n", 4, "slurmConfig must be a section"),
        ("slurmConfig: {time: 1}\n", 3, "slurmConfig has no effect without the platform slurm"),
        ("trainingService: {platform: local, time: 1}\n", 3, "unknown field time"),
    ],
)
def test_a_mistake_names_the_option_and_its_place(read, text, line, message):
    with pytest.raises(Mistakes) as caught:
        read(text)
    found = [(mistake.line, mistake.message) for mistake in caught.value.mistakes]
    assert any(place == line and message in words for place, words in found), found
